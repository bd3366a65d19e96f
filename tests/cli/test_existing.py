"""What becomes of a file at the destination that is not the source's: it is replaced, or stays where the user says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.cli.command import Command

HOUR = 3_600


def two_versions(tmp_path: Path) -> tuple[Path, Path]:
    """A source and a destination: `older` and `newer` are what the destination's file is, `same` is the same, `alone` is missing."""
    source, destination = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    destination.mkdir()
    for name in ("older", "newer", "same", "alone"):
        (source / name).write_text("mine")
        os.utime(source / name, (2_000_000_000, 2_000_000_000))
    for name, text, apart in (("older", "old edit", -HOUR), ("newer", "new edit", HOUR), ("same", "mine", 0)):
        (destination / name).write_text(text)
        os.utime(destination / name, (2_000_000_000 + apart, 2_000_000_000 + apart))
    return source, destination


@pytest.mark.parametrize(
    ("existing", "kept"), [(None, set()), ("replace", set()), ("keep", {"older", "newer"}), ("keep-newer", {"newer"})]
)
def test_what_differs_stays_if_that_is_said(mover: Command, tmp_path: Path, existing: str | None, kept: set[str]):
    source, destination = two_versions(tmp_path)
    options = () if existing is None else ("--existing", existing)
    done = mover("copy", source, destination, *options, "--format", "json")
    assert done.code == 0 and done.json["adds_up"], done.err
    assert {path.name for path in destination.iterdir() if path.read_text().endswith("edit")} == kept
    assert (destination / "alone").read_text() == "mine"
    items = mover("run", "report", 1, "--format", "json").json["items"]
    assert {item["path"] for item in items if item["code"] == "kept"} == kept
    assert {item["path"] for item in items if item["state"] == "copied"} == {"older", "newer", "alone"} - kept


def test_the_plan_says_the_same(mover: Command, tmp_path: Path):
    source, destination = two_versions(tmp_path)
    plan = mover("copy", source, destination, "--existing", "keep", "--dry-run", "--format", "json").json
    assert plan["totals"]["planned"]["items"] == 1 and plan["totals"]["filtered"]["items"] == 2
