"""Files of ours that are cut or changed: everything else works on, and what to do is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.command import Command, Done, filled

CUTS = {
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "no JSON": lambda _: b"\x00" * 64,
    "no UTF-8": lambda data: b"\xff" + data,
    "another shape": lambda _: b'{"number": "one"}',
    "a list": lambda _: b"[]",
    "deep": lambda _: b"[" * 100_000,
    "of another Mover": lambda data: data.replace(b'"format": 1', b'"format": 99'),
}


def two_runs(mover: Command, tmp_path: Path) -> None:
    filled(tmp_path / "from", files=2)
    for number in (1, 2):
        done = mover("copy", tmp_path / "from", tmp_path / f"to{number}")
        assert done.code == 0, done.err


def listed(mover: Command) -> dict[int, dict[str, str]]:
    done = mover("run", "list", "--format", "json")
    assert done.code == 0, done.err
    return {run["run"]: run for run in done.json}


def no_fault(done: Done) -> bool:
    return "a fault in Mover" not in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("cut", CUTS)
def test_a_damaged_run_is_listed_and_stops_no_other(mover: Command, tmp_path: Path, cut: str):
    two_runs(mover, tmp_path)
    file = mover.home / "runs/1/run.json"
    file.write_bytes(CUTS[cut](file.read_bytes()))
    runs = listed(mover)
    assert (runs[1]["state"], runs[2]["state"]) == ("damaged", "done")
    assert str(file) in runs[1]["reason"] and str(file.parent) in runs[1]["advice"]
    table = mover("run", "list")
    assert table.code == 0 and "run 1 is damaged. Restore it from a backup, or remove" in table.advice
    shown = mover("run", "show", 1)
    assert shown.code == 1 and no_fault(shown) and shown.advice.startswith("Restore the file from a backup")
    anew = mover("copy", tmp_path / "from", tmp_path / "to1", "--format", "json")
    assert anew.code == 0 and anew.json["run"] == 3 and anew.json["totals"]["same"]["items"] == 2


def test_every_other_way_in_which_a_run_cannot_be_read(mover: Command, tmp_path: Path):
    two_runs(mover, tmp_path)
    runs = mover.home / "runs"
    (runs / "1/run.json").unlink()
    (runs / "2/run.json").chmod(0o644)
    (runs / "3").mkdir()
    (runs / "4").write_text("no folder")
    (runs / "5/run.json").mkdir(parents=True)
    (runs / "notes").mkdir()
    found = listed(mover)
    assert {number: run["state"] for number, run in found.items()} == dict.fromkeys((1, 2, 5), "damaged")
    assert "missing" in found[1]["reason"] and "chmod 600" in found[2]["reason"]
    assert mover("copy", tmp_path / "from", tmp_path / "to6", "--format", "json").json["run"] == 6


def test_a_run_whose_state_is_lost_goes_on(mover: Command, tmp_path: Path):
    two_runs(mover, tmp_path)
    (mover.home / "runs/1/state.json").write_text('{"state": "do')
    run = listed(mover)[1]
    assert run["state"] == "damaged" and run["source"] == str(tmp_path / "from") and "run resume 1" in run["advice"]
    assert mover("run", "show", 1).code == 0
    (tmp_path / "from/d0/f000").unlink()
    again = mover("run", "resume", 1, "--format", "json")
    assert again.code == 0 and again.json["adds_up"], again.err
    assert listed(mover)[1]["state"] == "done"


def test_a_state_with_what_is_no_number_is_damaged(mover: Command, tmp_path: Path):
    two_runs(mover, tmp_path)
    file = mover.home / "runs/1/state.json"
    state = json.loads(file.read_text())
    file.write_text(json.dumps(state | {"seconds": float("inf")}))
    run = listed(mover)[1]
    assert run["state"] == "damaged" and "Infinity" in run["reason"]


def test_a_lost_journal_is_told(mover: Command, tmp_path: Path):
    two_runs(mover, tmp_path)
    (mover.home / "runs/1/journal.sqlite").unlink()
    for command in ("report", "show"):
        done = mover("run", command, 1)
        assert done.code == 1 and no_fault(done) and "the proof of 2 items" in done.err
        assert "resume the run" in done.advice
    assert mover("run", "resume", 1).code == 0
    assert mover("run", "report", 1, "--format", "json").json["adds_up"]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\x07" * 5000])
def test_a_damaged_journal_is_told(mover: Command, tmp_path: Path, content: bytes):
    two_runs(mover, tmp_path)
    journal = mover.home / "runs/1/journal.sqlite"
    journal.write_bytes(content)
    assert listed(mover)[1]["state"] == "done"
    for command in ("report", "show", "resume"):
        done = mover("run", command, 1)
        assert done.code == 1 and no_fault(done), done.err
        assert str(journal) in done.err and "move it away and resume the run" in done.advice
    journal.unlink()
    assert mover("run", "resume", 1).code == 0
    assert listed(mover)[1]["state"] == "done"


def test_a_damaged_connection_is_listed_and_stops_no_other(mover: Command, tmp_path: Path):
    for name in ("good", "bad", "alien"):
        assert mover("connection", "add", "local", "--name", name, "--path", tmp_path).code == 0
    file = mover.home / "connections.json"
    kept = json.loads(file.read_text())
    kept["connections"]["bad"] = {"connector": 7}
    kept["connections"]["alien"]["connector"] = "gopher"
    file.write_text(json.dumps(kept))
    done = mover("connection", "list", "--format", "json")
    problems = {c["name"]: c["problem"] for c in done.json}
    assert problems["good"] is None and "bad is damaged" in problems["bad"] and "gopher" in problems["alien"]
    table = mover("connection", "list")
    assert table.code == 0 and "mover connection remove bad" in table.err
    assert mover("ls", "good:").code == 0
    used = mover("ls", "bad:")
    assert used.code == 1 and "mover connection remove" in used.advice
    assert mover("connection", "add", "local", "--name", "more", "--path", tmp_path).code == 0
    assert json.loads(file.read_text())["connections"]["bad"] == {"connector": 7}
    assert mover("connection", "remove", "bad", "--yes").code == 0
    assert [c["name"] for c in mover("connection", "list", "--format", "json").json] == ["alien", "good", "more"]


@pytest.mark.parametrize("cut", CUTS)
def test_a_damaged_file_of_connections_is_never_written_over(mover: Command, tmp_path: Path, cut: str):
    mover("connection", "add", "local", "--name", "good", "--path", tmp_path)
    file = mover.home / "connections.json"
    file.write_bytes(CUTS[cut](file.read_bytes()))
    before = file.read_bytes()
    for command in (("list",), ("add", "local", "--name", "more", "--path", tmp_path), ("remove", "good", "--yes")):
        done = mover("connection", *command)
        assert done.code == 1 and no_fault(done) and str(file) in done.err, done.err
        assert done.advice.startswith("Restore the file from a backup")
    assert file.read_bytes() == before
