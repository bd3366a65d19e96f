"""What must be true after a run through a bad network, whatever happened to it."""

from __future__ import annotations

import os
import random
from collections.abc import Collection
from pathlib import Path

from tests.witness.moving import Moved
from tests.witness.trees import files_of

from mover.core.states import State

MAY_FAIL = frozenset({"throttled", "unreachable", "item-damaged", "item-changed"})
"""Reasons for which a file may be left, once it was tried often enough."""


def planted(folder: Path, seed: int, files: int = 120) -> dict[str, bytes]:
    """Make some small files, and two that go in parts or ranges."""
    chance = random.Random(seed)
    content: dict[str, bytes] = {}
    for number in range(files):
        size = chance.choice((0, 1, 700, 9_000, 80_000)) if number % 60 else 9_000_000
        content[f"d{number % 5}/e{number % 2}/file {number}"] = chance.randbytes(size)
    for path, data in content.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        os.utime(file, (1_500_000_000, 1_500_000_000))
    return content


def must_hold(moved: Moved, content: dict[str, bytes], destination: Path, *, may_fail: Collection[str] = ()) -> None:
    """Every byte equal, every count right, nothing partial and nothing foreign at the destination.

    What is not copied has failed for a reason in `may_fail` and is said to have. It may be there all the same, whole, if the last answer
    was lost.
    """
    assert moved.ending.state == "done", moved.ending
    moved.must_add_up()
    assert set(moved.lines) == set(content), "an item is missing from the report, or in it twice"
    failed = {path: line for path, line in moved.lines.items() if line.state is State.FAILED}
    assert {line.code for line in failed.values()} <= set(may_fail), moved.not_done()
    found = {path: file for path, file in files_of(destination).items() if "/.DAV/" not in path}  # Apache's own notes
    assert set(content) - set(failed) <= set(found), "an item was said to be copied, and is not there"
    foreign = set(found) - set(content)
    assert not foreign, f"stayed behind: {foreign}"
    for path, file in found.items():
        assert file.read_bytes() == content[path], path


def must_be_finished(moved: Moved, content: dict[str, bytes], destination: Path) -> None:
    """As `must_hold`, and nothing failed."""
    must_hold(moved, content, destination)
    assert moved.not_done() == {}
