"""A disk that does not take the spool, or does not give it back: no file's fault, so no file fails. The run pauses, and goes on later."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.harness import Result, fill, run, tree
from tests.engine.parted_store import PartedStore

from mover.connectors.memory.client import Memory
from mover.core.states import State

pytestmark = pytest.mark.anyio

MIB = 1 << 20
SIZES = {"small": 10, "medium": 300_000, "large": 5 * MIB, "in parts": 10 * MIB}
GOOD = 2
"""Calls that go well before one fails."""


async def ran(source: Memory, destination: Memory, journal: Path) -> Result:
    with anyio.fail_after(60):
        return await run(source, destination, journal=journal)


def failing(call: Callable[..., int], number: int, good: int) -> Callable[..., int]:
    """The call, which fails with an error of that number after so many good ones."""
    left = iter(range(good))

    def made(*given: Any) -> int:
        if next(left, None) is None:
            raise OSError(number, os.strerror(number))
        return call(*given)

    return made


def must_have_paused(result: Result, code: str, files: Mapping[str, bytes]) -> None:
    assert (result.ending.state, result.ending.problem and result.ending.problem.code) == ("paused", code)
    assert set(result.lines) <= set(files)
    assert {line.state for line in result.lines.values()} <= {State.PLANNED, State.COPIED}
    assert result.spool_left == 0


@pytest.mark.parametrize(
    ("call", "number", "code"),
    [
        ("pwrite", errno.ENOSPC, "spool-full"),
        ("pwrite", errno.EIO, "spool-failed"),
        ("preadv", errno.EIO, "spool-failed"),
    ],
)
@pytest.mark.parametrize("size", SIZES)
async def test_the_run_pauses_and_goes_on_later(
    size: str, call: str, number: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"f{n}": os.urandom(SIZES[size]) for n in range(3)}
    source, destination = Memory(), PartedStore(6 * MIB, at_once=2)
    await fill(source, files)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing(getattr(os, call), number, GOOD))
        must_have_paused(await ran(source, destination, tmp_path / "journal"), code, files)
    result = await ran(source, destination, tmp_path / "journal")
    assert result.ending.state == "done"
    assert {path: line.state for path, line in result.lines.items()} == dict.fromkeys(files, State.COPIED)
    assert await tree(destination) == files
