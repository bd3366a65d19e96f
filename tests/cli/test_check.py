"""`mover check` tells by the contents what is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.cli.command import Command, filled


@pytest.fixture
def twins(mover: Command, tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same four files, whose times differ."""
    one, other = tmp_path / "from", tmp_path / "to"
    for path, data in filled(one, files=4).items():
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_bytes(data)
        os.utime(other / path, (1_000_000, 1_000_000))
    return one, other


@pytest.mark.parametrize("compare", ["auto", "digest", "stored", "size"])
def test_equal_contents_are_the_same_whatever_the_times_say(mover: Command, twins: tuple[Path, Path], compare: str):
    done = mover("check", *twins, "--compare", compare)
    assert (done.code, done.out) == (0, "")
    assert done.advice == "4 same, 0 different, 0 missing, 0 extra, 0 filtered"


def test_a_file_of_equal_size_with_other_bytes_differs(mover: Command, twins: tuple[Path, Path]):
    changed = twins[1] / "d1/f001"
    changed.write_bytes(b"x" + changed.read_bytes()[1:])
    for compare in ("auto", "digest"):
        done = mover("check", *twins, "--compare", compare, "--format", "json")
        assert done.code == 3
        (only,) = done.json["differences"]
        assert (only["difference"], only["path"], only["reason"]) == ("differs", "d1/f001", "changed: content")


def test_the_summary_tells_missing_different_and_extra_apart(mover: Command, twins: tuple[Path, Path]):
    one, other = twins
    (one / "new1").write_text("n")
    (one / "new2").write_text("n")
    (one / "left-out").write_text("n")
    (other / "extra").write_text("x")
    (other / "d1/f001").write_text("short")
    left = ("--exclude", "/left-out")
    assert mover("check", *twins, *left).advice == "3 same, 1 different, 2 missing, 1 extra, 1 filtered"
    assert mover("check", *twins, *left, "--one-way").advice == "3 same, 1 different, 2 missing, 1 filtered"
    assert mover("check", *twins, *left, "--format", "json").json["totals"] == {
        "same": 3,
        "different": 4,
        "filtered": 1,
        "missing": 2,
        "differs": 1,
        "extra": 1,
        "unfit": 0,
        "unread": 0,
    }


def test_quick_goes_by_the_listings(mover: Command, twins: tuple[Path, Path]):
    done = mover("check", *twins, "--quick", "--format", "json")
    assert {d["reason"] for d in done.json["differences"]} == {"changed: time"}
    assert mover("check", *twins, "--quick", "--compare", "size").code == 0


def test_the_help_says_what_is_read(mover: Command):
    told = " ".join(mover("check", "--help").out.split())
    assert "Files of equal size are read on both sides" in told and "times" in told
