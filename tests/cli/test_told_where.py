"""An error names the place as the user gave it, and says what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.cli.command import Command, filled

from mover.connectors.local.client import Local
from mover.connectors.registry import spec
from mover.core.clock import SystemClock
from mover.core.errors import BadOption, Denied, MoverError
from mover.core.options import Options
from mover.runner.ends import End, opened

OF_CONNECTIONS = "`mover connection add <provider> --help` lists the options."


@pytest.fixture
def source(tmp_path: Path) -> Path:
    filled(tmp_path / "from", files=1)
    return tmp_path / "from"


def test_a_destination_that_is_a_device(mover: Command, source: Path):
    done = mover("copy", source, os.devnull)
    assert done.code == 6
    assert "error: /dev/null: a device, pipe or socket stands there, not a folder" in done.err


def test_a_destination_that_is_a_file(mover: Command, source: Path, tmp_path: Path):
    (tmp_path / "r.csv").write_text("x")
    done = mover("copy", source, tmp_path / "r.csv")
    assert f"error: {tmp_path}/r.csv: a file stands there, not a folder" in done.err


def test_a_device_in_the_place_of_a_file(mover: Command, source: Path, tmp_path: Path):
    (tmp_path / "to/d0").mkdir(parents=True)
    os.mkfifo(tmp_path / "to/d0/f000")
    assert mover("copy", source, tmp_path / "to").code == 6
    assert "a device, pipe or socket of that name stands at the destination" in mover("run", "report", 1).out


@pytest.mark.anyio
async def test_a_destination_that_may_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As a plain user hears it of /etc; root is refused nothing."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refused)
    end = End(Options(spec("local"), {"path": str(tmp_path)}), "x", "/etc/x")
    with pytest.raises(Denied) as problem:
        async with opened(end, SystemClock(), at_once=1, make=True):
            pass
    assert problem.value.detail == "/etc/x: Permission denied"


def test_a_deep_check_where_nothing_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mover: Command):
    from mover.cli.checking import check_connection

    (tmp_path / "docs").mkdir()
    assert mover("connection", "add", "local", "--path", tmp_path / "docs", "--name", "docs").code == 0
    monkeypatch.setenv("MOVER_HOME", str(mover.home))

    async def refused(*_: object) -> None:
        raise Denied("Permission denied")

    monkeypatch.setattr(Local, "make_folder", refused)
    with pytest.raises(Denied, match="--deep writes into a folder of its own in docs: Permission denied"):
        check_connection("docs", "table", deep=True, quick=True)
    told = " ".join(mover("connection", "check", "--help").out.split())
    assert "writes into a folder of its own in the root, and removes it" in told


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("--bwlimit", "fast"), "--help"),
        (("--exclude", "[a"), "--help"),
        (("--min-age", "yesterday"), "--help"),
        (("--encrypt-to", "/is/not/there"), "Check the path of that file"),
        (("--destination-secret", "password=/is/not/there"), "Check the path of that file"),
        (("--exclude-from", "/is/not/there"), "Check the path of that file"),
    ],
)
def test_the_advice_helps(mover: Command, source: Path, tmp_path: Path, arguments: tuple[str, ...], advice: str):
    done = mover("copy", source, tmp_path / "to", *arguments)
    assert done.code == 2 and done.advice != OF_CONNECTIONS and advice in done.advice


def test_the_advice_of_the_connection_commands_helps(mover: Command, tmp_path: Path):
    assert mover("connection", "add", "local", "--path", tmp_path, "--name", "docs").code == 0
    assert mover("connection", "remove", "docs").advice == "Give the command again with --yes."
    assert mover("connection", "import", "/is/not/there").advice.startswith("Check the path of that file")
    (tmp_path / "rclone.conf").write_text("nonsense")
    told = mover("connection", "import", tmp_path / "rclone.conf")
    assert told.code == 2 and told.advice == "`rclone config file` says where rclone keeps its configuration."


def test_an_error_may_bring_its_own_advice():
    assert BadOption("x").advice == BadOption.advice
    assert BadOption("x", advice="Do y.").advice == "Do y."
    assert MoverError("x").advice == MoverError.advice
