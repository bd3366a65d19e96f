"""Slips of the hand: what would go to the wrong place, or come from it, is refused, and said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.cli.command import MOVER, Command, filled


@pytest.fixture
def saved(mover: Command, tmp_path: Path) -> Command:
    (tmp_path / "there").mkdir()
    assert mover("connection", "add", "local", "--name", "out", "--path", tmp_path / "there").code == 0
    filled(tmp_path / "from", files=2)
    return mover


@pytest.mark.parametrize(("source", "destination", "role"), [("", "out:x", "source"), ("out:", "", "destination")])
def test_an_empty_address_is_not_the_folder_one_stands_in(saved: Command, source: str, destination: str, role: str):
    done = saved("copy", source, destination)
    assert done.code == 2 and f"the {role} is empty" in done.err


def test_a_forgotten_colon(saved: Command, tmp_path: Path):
    for words in (("copy", "from", "out"), ("copy", "out", "from"), ("copy", "-n", "from", "out"), ("ls", "out")):
        done = saved(*words, cwd=tmp_path)
        assert done.code == 2 and "write out: for it, or ./out for a folder here" in done.err, done.err
    assert not (tmp_path / "out").exists() and list((tmp_path / "there").iterdir()) == []
    assert saved("copy", "from", "./out", cwd=tmp_path).code == 0
    assert (tmp_path / "out/d0/f000").exists()


def test_a_slash_at_the_end_makes_no_other_copy(saved: Command, tmp_path: Path):
    process = saved.begin("copy", f"{tmp_path}/from", "out:a", "--bwlimit", "1K")
    try:
        until_begun(saved)
        done = saved("copy", f"{tmp_path}/from/", "out:a/")
        assert done.code == 5 and "another process works on run 1" in done.err, done.err
    finally:
        process.kill()
        process.communicate()
    assert saved("copy", f"{tmp_path}/from/", "out:a/", "--format", "json").json["run"] == 1


def until_begun(mover: Command) -> None:
    for _ in range(200):
        if [run["state"] for run in mover("run", "list", "--format", "json").json] == ["running"]:
            return
    raise AssertionError("the copy did not begin")


def test_nobody_who_listens_is_no_reason_to_stop(saved: Command, tmp_path: Path):
    filled(tmp_path / "many", files=300, size=10)
    environment = {"MOVER_HOME": str(saved.home), "PATH": "/usr/bin:/bin"}
    copy = f"{MOVER} copy {tmp_path}/many out:many -v 2>&1 >/dev/null | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", copy], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    (run,) = saved("run", "list", "--format", "json").json
    assert run["state"] == "done"


def test_a_list_tells_what_a_run_left_behind(saved: Command, tmp_path: Path):
    (tmp_path / "there/d0").write_text("a file in a folder's place")
    done = saved("copy", tmp_path / "from", "out:")
    assert done.code in (3, 6)
    (run,) = saved("run", "list", "--format", "json").json
    assert run["state"] == "done" and run["reason"].split()[1] in ("failed", "unfit")
