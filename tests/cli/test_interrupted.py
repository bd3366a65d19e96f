"""Runs that are stopped in the middle, by a person, a signal or a crash, go on where they stopped."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from tests.cli.command import Command, Done, ended, filled, found, until

SLOW = ("--bwlimit", "400K", "--transfers", "4")


def begun(mover: Command, tmp_path: Path, *slow: str) -> tuple[subprocess.Popen[bytes], dict[str, bytes]]:
    files = filled(tmp_path / "from")
    process = mover.begin("copy", tmp_path / "from", tmp_path / "to", *(slow or SLOW))
    until(lambda: (tmp_path / "to").exists() and len(found(tmp_path / "to")) > 4, process)
    return process, files


def goes_on(mover: Command, tmp_path: Path, files: dict[str, bytes], done: Done) -> None:
    assert done.code == 0, done.err
    assert found(tmp_path / "to") == files
    report = mover("run", "report", 1, "--format", "json").json
    assert report["adds_up"] and report["state"] == "done" and report["passes"] == 2
    assert report["totals"]["found"]["items"] == len(files) == len(report["items"])
    assert {i["state"] for i in report["items"]} <= {"copied", "same"}
    assert len(mover("run", "list", "--format", "json").json) == 1
    spool = list((mover.home / "spool").iterdir())
    assert spool == []


def test_killed_and_the_same_command_again(mover: Command, tmp_path: Path):
    process, files = begun(mover, tmp_path)
    assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
    (run,) = mover("run", "list", "--format", "json").json
    assert run["state"] == "interrupted"
    done = mover("copy", tmp_path / "from", tmp_path / "to")
    assert "run 1 goes on" in done.err
    goes_on(mover, tmp_path, files, done)


def test_killed_and_resumed_by_number_from_another_folder(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from")
    process = mover.begin("copy", "from", "to", *SLOW, cwd=tmp_path)
    until(lambda: (tmp_path / "to").exists() and len(found(tmp_path / "to")) > 4, process)
    ended(process, signal.SIGKILL)
    goes_on(mover, tmp_path, files, mover("run", "resume", 1, cwd=Path("/")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_pauses(mover: Command, tmp_path: Path, number: signal.Signals):
    process, files = begun(mover, tmp_path)
    done = ended(process, number)
    assert done.code == 130
    assert "mover run resume 1" in done.advice
    (run,) = mover("run", "list", "--format", "json").json
    assert run["state"] == "paused"
    assert 4 < len(found(tmp_path / "to")) < len(files)
    goes_on(mover, tmp_path, files, mover("run", "resume", 1))


def test_two_signals_stop_at_once(mover: Command, tmp_path: Path):
    process, files = begun(mover, tmp_path)
    done = ended(process, signal.SIGINT, signal.SIGINT)
    assert done.code == 130
    (run,) = mover("run", "list", "--format", "json").json
    assert run["state"] == "paused"
    goes_on(mover, tmp_path, files, mover("run", "resume", 1))


def test_two_processes_never_work_on_one_run(mover: Command, tmp_path: Path):
    begun(mover, tmp_path, "--bwlimit", "40K", "--transfers", "1")
    for command in (("run", "resume", 1), ("copy", tmp_path / "from", tmp_path / "to")):
        second = mover(*command)
        assert second.code == 5
        assert "another process works on run 1" in second.err


def test_the_same_command_twice_at_once_is_one_run(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=4)
    processes = [mover.begin("copy", tmp_path / "from", tmp_path / "to") for _ in range(3)]
    codes = sorted(ended(process).code for process in processes)
    assert codes[0] == 0 and set(codes) <= {0, 5}
    assert found(tmp_path / "to") == files
    runs = mover("run", "list", "--format", "json").json
    assert {run["state"] for run in runs} == {"done"}
    assert 1 <= len(runs) <= codes.count(0)
