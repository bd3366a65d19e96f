"""A large file fetched in ranges from a source that breaks, or gives another number of bytes than it was asked for."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from tests.clock import VirtualClock

from mover.connectors._kit.bodies import StreamDownload
from mover.connectors.registry import spec
from mover.core.connector import Connector
from mover.core.errors import Damaged, Unreachable
from mover.core.model import Entry, ItemId, Kind
from mover.core.spec import Cap
from mover.engine.fetch import Fetch
from mover.engine.items import Reading
from mover.engine.progress import Active, Progress
from mover.engine.settings import RunSettings
from mover.engine.side import Side
from mover.net.pace import Bandwidth, Pace, Retries
from mover.spool.spool import Spool

pytestmark = pytest.mark.anyio

DATA = random.Random(1).randbytes(50_000)
ENTRY = Entry(ItemId("1"), None, "big", Kind.FILE, size=len(DATA))


class Breaking:
    """Each of the first `times` reads breaks after `after` bytes; each read gives `more` bytes than it was asked for."""

    caps = Cap.RANGED_READ

    def __init__(self, after: int = 0, times: int = 0, more: int = 0) -> None:
        self.after, self.times, self.more = after, times, more
        self.asked: list[tuple[int, int]] = []

    @asynccontextmanager
    async def read(self, entry: Entry, *, start: int, end: int) -> AsyncGenerator[StreamDownload]:
        self.asked.append((start, end))

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(start, end + self.more, 100):
                if self.times and at - start >= self.after:
                    self.times -= 1
                    raise Unreachable("cut")
                yield DATA[at : min(at + 100, end + self.more)]

        yield StreamDownload(entry, end - start, pieces)

    async def root(self) -> Entry:
        return ENTRY


async def fetched(connector: Breaking, folder: Path) -> tuple[list[str], bytes]:
    """The failed attempts, and what the room then holds. Raises what whoever reads the room gets to see."""
    clock, notes = VirtualClock(), list[str]()
    source = Side(cast("Connector", connector), spec("memory"), ENTRY, Pace(clock), clock, Retries())
    fetch = Fetch(
        source,
        replace(RunSettings(), stripe=1000, stripes=3),
        Bandwidth(clock, None),
        Progress(),
        Active("big", None),
        lambda problem: notes.append(problem.code),
    )
    async with Spool.open(folder, quota=64 << 20) as spool, await spool.room(b"test", len(DATA)) as room:
        await fetch.fill(room, Reading(ENTRY), 0)
        return notes, b"".join([chunk async for chunk in fetch.body(room).chunks()])


async def test_what_broke_is_asked_for_again_from_where_it_broke(tmp_path: Path) -> None:
    connector = Breaking(after=300, times=3)
    assert await fetched(connector, tmp_path / "spool") == (["unreachable"] * 3, DATA)
    assert connector.asked[:4] == [(0, 1000), (300, 1000), (600, 1000), (900, 1000)]
    assert sum(end - start for start, end in connector.asked[4:]) == len(DATA) - 1000


@pytest.mark.parametrize("more", [-100, -1000, 1, 100])
async def test_a_range_of_another_length_is_never_a_whole_file(tmp_path: Path, more: int) -> None:
    with pytest.raises(Damaged):
        await fetched(Breaking(more=more), tmp_path / "spool")
