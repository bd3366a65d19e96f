"""Exit codes that need a failing machine: 1 and 8; and what a person gets who presses Ctrl-C once, and twice."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.cli.command import MOVER, UNFINISHED, Command, Done, ended, filled, found, until
from tests.small_disk import make_room, small_disk

INTERRUPTED = 130


def read_by(process: subprocess.Popen[bytes]) -> int:
    """Bytes that a process has read so far (proc(5))."""
    lines = Path(f"/proc/{process.pid}/io").read_text().splitlines()
    return int(lines[0].removeprefix("rchar: "))


def twins(tmp_path: Path, files: int, size: int) -> tuple[Path, Path]:
    """Two folders with the same files, full of holes."""
    folders = (tmp_path / "a", tmp_path / "b")
    for folder in folders:
        folder.mkdir()
        for number in range(files):
            file = folder / f"f{number}"
            file.touch()
            os.truncate(file, size)
            os.utime(file, (1_000_000_000, 1_000_000_000))
    return folders


def test_8_no_room_at_the_destination(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", size=100_000)
    with small_disk(tmp_path / "disk", 2 << 20) as disk:
        done = mover("copy", tmp_path / "from", disk / "to")
        assert done.code == 8, done.err
        assert "Make room" in done.err and done.advice == "Go on with: mover run resume 1"
        (run,) = mover("run", "list", "--format", "json").json
        assert run["state"] == "paused"
        assert mover("run", "show", 1, "--format", "json").json["exit_code"] == 8
        make_room(disk)
        assert mover("run", "resume", 1).code == 0
        assert found(disk / "to") == files


def test_1_no_room_for_mover_itself(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=3000, size=10)
    with small_disk(tmp_path / "home", 512 << 10) as disk:
        done = mover("copy", tmp_path / "from", tmp_path / "to")
        assert done.code == 1, done.err
        assert done.advice.startswith("Mend that on this machine and give the same command again")
        make_room(disk)
        again = mover("copy", tmp_path / "from", tmp_path / "to", "--format", "json")
        assert again.code == 0 and "run 1 goes on" in again.err, again.err
        assert again.json["adds_up"] and found(tmp_path / "to") == files


def test_1_a_report_that_cannot_be_written(mover: Command, tmp_path: Path):
    filled(tmp_path / "from", files=2)
    done = mover("copy", tmp_path / "from", tmp_path / "to", "--report", "/dev/full")
    assert done.code == 1 and "No space left on device" in done.err
    missing = mover("copy", tmp_path / "from", tmp_path / "to", "--report", tmp_path / "no/folder/r.json")
    assert missing.code == 2 and "there is no folder" in missing.err


def test_1_an_output_that_cannot_be_written(mover: Command, tmp_path: Path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([MOVER, "version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr


def test_a_command_that_is_done_does_not_take_python_down(mover: Command, tmp_path: Path):
    """Threads of the HTTP library that wake up during that abort the process: one command in six, on a busy machine."""
    (tmp_path / "sitecustomize.py").write_text("import atexit; atexit.register(print, 'taken down')")
    done = mover("version", PYTHONPATH=str(tmp_path))
    assert done.code == 0 and done.out.startswith("mover ") and "taken down" not in done.out


def interrupted(done: Done) -> None:
    assert done.code == INTERRUPTED, done.err
    assert "finishing the files in hand, then pausing; once more to stop at once" in done.err
    assert "Traceback" not in done.err and "a fault" not in done.err


def test_ctrl_c_once_finishes_the_files_in_hand(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from")
    process = mover.begin("copy", tmp_path / "from", tmp_path / "to", "--bwlimit", "400K", "--transfers", "4")
    until(lambda: (tmp_path / "to").exists() and len(found(tmp_path / "to")) > 4, process)
    done = ended(process, signal.SIGINT)
    interrupted(done)
    assert done.advice == "Go on with: mover run resume 1"
    there = found(tmp_path / "to")
    assert there.items() <= files.items() and len(there) < len(files)
    assert not [p for p in (tmp_path / "to").rglob("*") if UNFINISHED.fullmatch(p.name)]
    shown = mover("run", "show", 1, "--format", "json").json
    assert shown["state"] == "paused" and shown["problem"]["detail"] == "interrupted by Ctrl-C"
    assert shown["totals"]["copied"]["items"] == len(there)


def test_ctrl_c_twice_waits_for_no_file(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=2, size=20_000_000)
    process = mover.begin("copy", tmp_path / "from", tmp_path / "to", "--bwlimit", "500K")
    until(lambda: any(UNFINISHED.fullmatch(p.name) for p in (tmp_path / "to").rglob("*")), process)
    done = ended(process, signal.SIGINT, signal.SIGINT)
    interrupted(done)
    assert done.advice == "error: interrupted"
    shown = mover("run", "show", 1, "--format", "json").json
    assert shown["state"] == "paused" and shown["problem"]["detail"] == "stopped at once"
    assert found(tmp_path / "to") == {}
    again = mover("copy", tmp_path / "from", tmp_path / "to")
    assert again.code == 0 and "run 1 goes on" in again.err
    assert found(tmp_path / "to") == files


def test_ctrl_c_in_a_check(mover: Command, tmp_path: Path):
    process = mover.begin("check", *twins(tmp_path, files=3000, size=1 << 20))
    until(lambda: read_by(process) > 64 << 20, process)
    done = ended(process, signal.SIGINT)
    interrupted(done)
    assert done.advice == "interrupted: the comparison is not whole"


def test_ctrl_c_twice_in_a_check_waits_for_no_file(mover: Command, tmp_path: Path):
    process = mover.begin("check", *twins(tmp_path, files=1, size=1 << 40))
    until(lambda: read_by(process) > 64 << 20, process)
    done = ended(process, signal.SIGINT, signal.SIGINT)
    interrupted(done)
    assert done.advice == "error: interrupted"
