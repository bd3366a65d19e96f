"""Completion in a real bash; for zsh and fish what the script is given."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.command import MOVER, PATIENCE, Command

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\x07")


def offered(mover: Command, *words: str, into: str = "zsh") -> list[str]:
    """What is offered for the last of the words, as zsh gets it."""
    at = words[-1] if into == "fish" else str(len(words))
    line = {"COMP_WORDS": " ".join(("mover", *words)), "COMP_CWORD": at}
    done = mover(_MOVER_COMPLETE=f"{into}_complete", **line)
    assert done.code == 0 and done.err == "", done.err
    return done.out.splitlines()[1::3] if into == "zsh" else done.out.splitlines()


@pytest.fixture
def saved(mover: Command, tmp_path: Path) -> Command:
    (tmp_path / "photos/inner").mkdir(parents=True)
    (tmp_path / "photos/inner/seen.txt").write_text("x")
    for name in ("photos", "other"):
        done = mover("connection", "add", "local", "--name", name, "--path", tmp_path / "photos")
        assert done.code == 0, done.err
    return mover


def test_bash_completes_a_place_that_can_be_typed_on(saved: Command, tmp_path: Path):
    """`mover ls pho<Tab>inner` becomes `mover ls photos:inner`, and that lists the folder."""
    script = saved("completion", "bash")
    (tmp_path / "rc").write_text(script.out + "\nPS1='ready> '\n")
    env = {**os.environ, "PATH": f"{MOVER.parent}:{os.environ['PATH']}", "MOVER_HOME": str(saved.home), "TERM": "dumb"}
    above, below = pty.openpty()
    terminal = Terminal(above)
    bash = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", tmp_path / "rc", "-i"],
        stdin=below,
        stdout=below,
        stderr=below,
        env=env,
        start_new_session=True,
    )
    os.close(below)
    try:
        terminal.shown("ready> ")
        os.write(above, b"mover ls pho\t")
        terminal.shown("mover ls photos:")
        os.write(above, b"inner\n")
        terminal.shown("seen.txt")
        terminal.shown("ready> ")
        os.write(above, b"mover copy photos:inner ot\t")
        terminal.shown("photos:inner other:")
        os.write(above, b"\x15mover connection rem\t")
        terminal.shown("connection remove ")
        os.write(above, b"oth\t")
        terminal.shown("other ")
    finally:
        bash.kill()
        bash.wait()
        os.close(above)


class Terminal:
    """What stands on a terminal and was not looked at yet."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._seen = ""

    def shown(self, text: str) -> None:
        """Read on until the text stands there; what comes with it is kept for the next time."""
        end = time.monotonic() + PATIENCE / 4
        while text not in (clear := CONTROL.sub("", self._seen)):
            assert time.monotonic() < end, clear
            try:
                self._seen += os.read(self._descriptor, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.02)
        self._seen = clear.partition(text)[2]


def test_what_is_offered(saved: Command, tmp_path: Path):
    assert offered(saved, "") == [*saved_commands(saved)]
    assert offered(saved, "c") == ["copy", "check", "connection", "completion"]
    assert offered(saved, "ls", "") == ["other:", "photos:"]
    assert offered(saved, "copy", "photos:x", "ph") == ["photos:"]
    assert offered(saved, "connection", "check", "o") == ["other"]
    assert offered(saved, "connection", "rename", "") == ["other", "photos"]
    assert offered(saved, "ls", "--for") == ["--format"]
    assert offered(saved, "ls", "--format", "j") == ["json"]
    assert offered(saved, "ls", "photos:in") == []
    assert offered(saved, "ls", "nothing", into="bash") == ["file,nothing"]
    assert offered(saved, "ls", "ph", into="fish") == ["plain,photos:"]


def saved_commands(mover: Command) -> list[str]:
    from mover.cli.main import COMMANDS

    return list(COMMANDS)


def test_runs_are_offered(mover: Command, tmp_path: Path):
    (tmp_path / "from").mkdir()
    for name in ("a", "b"):
        mover("copy", tmp_path / "from", tmp_path / name)
    assert offered(mover, "run", "show", "") == ["2", "1"]


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"connections": 3}', b"\xff"])
def test_nothing_is_offered_where_nothing_can_be_read(mover: Command, content: bytes | None):
    if content is not None:
        mover.home.mkdir()
        (mover.home / "connections.json").write_bytes(content)
    assert offered(mover, "connection", "check", "") == []
    assert offered(mover, "run", "show", "") == []
    assert mover.home.exists() is (content is not None), "looking makes nothing"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts(mover: Command, shell: str):
    done = mover("completion", shell)
    assert done.code == 0 and f"_MOVER_COMPLETE={shell}_complete" in done.out and done.err == ""
    assert "mover" in done.out
