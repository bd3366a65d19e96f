"""Turns and the spool: few calls at once and a small quota make a run slow, and never stand still."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.clock import VirtualClock
from tests.engine.harness import Result, fill, run
from tests.engine.parted_store import PartedStore

from mover.connectors._kit.bodies import StreamDownload
from mover.connectors.memory.client import Memory
from mover.core.connector import Connector
from mover.core.errors import MoverError, Unreachable
from mover.core.model import Download, Entry
from mover.core.spec import Cap
from mover.core.states import State
from mover.engine.settings import RunSettings
from mover.spool.spool import LEAST_QUOTA

pytestmark = pytest.mark.anyio

MIB = 1 << 20
PATIENCE = 60.0


class Late(VirtualClock):
    """Whoever waits is let go when something has happened, and all others have come as far as they can without them."""

    def __init__(self) -> None:
        super().__init__()
        self.happened = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.happened.wait()
        await asyncio.sleep(0.2)
        self.pass_time(seconds)


async def filled(files: Mapping[str, bytes]) -> Memory:
    memory = Memory()
    await fill(memory, files)
    return memory


async def content(connector: Connector) -> dict[str, bytes]:
    """The files of a connection's root."""
    found: dict[str, bytes] = {}
    for entry in (await connector.list((await connector.root()).id)).entries:
        async with connector.read(entry) as body:
            found[entry.name] = body.whole or b""
    return found


def must_be_copied(result: Result, files: Mapping[str, bytes]) -> None:
    assert result.ending.state == "done"
    assert {path: line.state for path, line in result.lines.items()} == dict.fromkeys(files, State.COPIED)
    result.must_add_up()


async def test_a_part_that_waits_for_bytes_leaves_the_turn_to_the_part_before_it() -> None:
    """Six segments hold five of ten parts: the sixth cannot come before the first is sent, which has to be sent again."""
    clock, faults = Late(), iter([Unreachable("gone for a moment")])

    def fault(number: int) -> MoverError | None:
        if number == 4:
            clock.happened.set()
        return next(faults, None) if number == 0 else None

    files = {"f": os.urandom(10 * MIB)}
    source, destination = await filled(files), PartedStore(MIB, at_once=2, fault=fault)
    with anyio.fail_after(PATIENCE):
        result = await run(source, destination, turns=(1, 1), clock=clock)
    must_be_copied(result, files)
    assert await content(destination) == files
    assert destination.written[:4] == [1, 2, 3, 4], "the first part was sent again when no other could be sent"


async def test_a_file_that_waits_for_the_spool_leaves_the_turn_to_those_in_it() -> None:
    """Large files fill the spool, and what would empty it is read at the source, whose only turn others would like too."""
    files = {f"large {n}": os.urandom(6 * MIB) for n in range(8)} | {f"small {n}": os.urandom(MIB) for n in range(16)}
    source, destination = await filled(files), Memory()
    with anyio.fail_after(PATIENCE):
        result = await run(
            source, destination, turns=(1, 32), quota=LEAST_QUOTA, settings=RunSettings(large_transfers=5)
        )
    must_be_copied(result, files)
    assert await content(destination) == files


class InPieces(Memory):
    """Hands a file out piece by piece, as a server does; in one go if `ranges` is off."""

    def __init__(self, *, ranges: bool) -> None:
        super().__init__()
        self.caps = Memory.caps if ranges else Memory.caps & ~Cap.RANGED_READ

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        async with super().read(item, start=start, end=end) as download:
            data = download.whole or b""

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(data), 1 << 18):
                yield data[at : at + (1 << 18)]

        yield StreamDownload(item, len(data), pieces)


@pytest.mark.parametrize("turns", [(1, 1), (2, 2), (3, 1), (1, 3)])
@pytest.mark.parametrize("read", ["in ranges", "in one go"])
async def test_large_files_do_not_wait_for_each_others_turns(turns: tuple[int, int], read: str) -> None:
    """One has the destination's turn and waits for bytes; another has the source's, and nobody takes its bytes."""
    files = {f"f{n}": os.urandom(24 * MIB) for n in range(4)}
    source, destination = InPieces(ranges=read == "in ranges"), Memory()
    await fill(source, files)
    with anyio.fail_after(PATIENCE):
        result = await run(source, destination, turns=turns, quota=LEAST_QUOTA, settings=RunSettings(stripe=8 * MIB))
    must_be_copied(result, files)
    assert await content(destination) == files


@pytest.mark.parametrize("at_once", [1, 4, 32])
@pytest.mark.parametrize("part", [1 * MIB, 8 * MIB, 15 * MIB])
async def test_files_larger_than_the_quota_go_in_parts(part: int, at_once: int) -> None:
    files = {f"f{n}": os.urandom(18 * MIB + n) for n in range(4)}
    assert min(map(len, files.values())) > LEAST_QUOTA
    source, destination = await filled(files), PartedStore(part, at_once=at_once)
    with anyio.fail_after(PATIENCE):
        result = await run(source, destination, quota=LEAST_QUOTA)
    must_be_copied(result, files)
    assert await content(destination) == files
    assert len(destination.written) == sum(-(-len(data) // part) for data in files.values())
