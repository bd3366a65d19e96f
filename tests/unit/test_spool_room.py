"""Large files in the spool: cut-through, window, confirmation, failure."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from mover.core.errors import Damaged, Unreachable, Unsupported
from mover.core.model import Digest
from mover.crypto.streaming import FIRST, FULL, SEGMENT
from mover.spool.errors import SpoolGone
from mover.spool.room import Room
from mover.spool.spool import Spool

pytestmark = pytest.mark.anyio

WINDOW = 4
QUOTA = 32 << 20
LONG = os.urandom(10 * SEGMENT + 777)
"""A file longer than the window."""
SHORT = os.urandom(FIRST + FULL + 99)
"""A file of three segments, which the window holds."""


@pytest.fixture(params=[0, 1, 8], ids=["from-disk", "memory-1", "memory-8"])
async def spool(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Spool]:
    memory: int = request.param
    async with Spool.open(tmp_path / "spool", quota=QUOTA, window=WINDOW, memory=memory) as spool:
        yield spool
        await spool._threads.idle()
        assert spool._memory._left == memory, "a test left something in memory"
        assert spool.used == 0, "a test left something behind"


async def fill(room: Room, data: bytes, step: int = 100_000) -> None:
    for at in range(0, len(data), step):
        await room.write(data[at : at + step])
    await room.close()


async def read(room: Room, start: int = 0, end: int | None = None, *, consuming: bool = False) -> bytes:
    return b"".join([chunk async for chunk in room.chunks(start, end, consuming=consuming)])


@pytest.mark.parametrize("step", [1000, 100_000, SEGMENT, 3 * SEGMENT])
@pytest.mark.parametrize("known", [True, False])
async def test_a_reader_follows_the_writer(spool: Spool, step: int, known: bool) -> None:  # noqa: FBT001  # a parameter
    size = len(LONG) if known else None
    async with await spool.room(b"context", size, ["md5"]) as room, asyncio.TaskGroup() as group:
        reading = group.create_task(read(room, consuming=True))
        await fill(room, LONG, step)
    assert reading.result() == LONG
    assert room.digests == (Digest("md5", hashlib.md5(LONG, usedforsecurity=False).digest()),)
    assert room.size == len(LONG)


@pytest.mark.parametrize("size", [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL, FIRST + FULL + 1])
async def test_every_edge_of_a_segment(spool: Spool, size: int) -> None:
    async with await spool.room(b"", size) as room:
        await fill(room, LONG[:size], 65_537)
        assert await read(room) == LONG[:size]
        assert await read(room) == LONG[:size], "what fits can be read again"
        for start in {0, size // 2, size - 1, size} - {-1}:
            assert await read(room, start) == LONG[start:size]


async def test_reading_begins_while_the_writing_goes_on(spool: Spool) -> None:
    async with await spool.room(b"", None) as room:
        await room.write(SHORT[: FIRST + 1])
        assert await anext(room.chunks()) == SHORT[:FIRST]


async def test_nothing_of_the_last_segment_is_given_before_the_end_is_known(spool: Spool) -> None:
    async with await spool.room(b"", FIRST) as room:
        await room.write(SHORT[:FIRST])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(room.chunks())
        await room.close()
        assert await read(room) == SHORT[:FIRST]


async def test_the_writer_waits_for_an_unread_window(spool: Spool) -> None:
    async with await spool.room(b"", len(LONG)) as room:
        writing = asyncio.create_task(fill(room, LONG))
        await asyncio.sleep(0.2)
        assert not writing.done()
        assert spool.used == WINDOW * SEGMENT
        first = await room.slice(0, SEGMENT)
        await asyncio.sleep(0.1)
        assert await room.slice(0, SEGMENT) == first == LONG[:SEGMENT], "reading alone drops nothing"
        rest = asyncio.create_task(read(room, SEGMENT, consuming=True))
        await writing
        assert await rest == LONG[SEGMENT:]


async def test_what_was_confirmed_is_gone_and_says_so(spool: Spool) -> None:
    async with await spool.room(b"", len(LONG)) as room:
        writing = asyncio.create_task(fill(room, LONG))
        assert await room.slice(0, FIRST) == LONG[:FIRST]
        room.confirm(FIRST)
        with pytest.raises(SpoolGone):
            await room.slice(0, 10)
        with pytest.raises(SpoolGone):
            await anext(room.chunks(FIRST - 1))
        assert await anext(room.chunks(FIRST)) == LONG[FIRST : FIRST + FULL]
        assert await read(room, FIRST, consuming=True) == LONG[FIRST:]
        await writing


async def test_a_file_that_fits_is_kept_whatever_is_confirmed(spool: Spool) -> None:
    async with await spool.room(b"", len(SHORT)) as room:
        await fill(room, SHORT)
        assert room.keeps_all
        assert await read(room, consuming=True) == SHORT
        room.confirm(len(SHORT))
        assert await read(room) == SHORT


async def test_a_file_of_unknown_size_that_fits_is_kept_too(spool: Spool) -> None:
    async with await spool.room(b"", None) as room, asyncio.TaskGroup() as group:
        group.create_task(fill(room, SHORT))
        assert await read(room, consuming=True) == SHORT
        assert await read(room, consuming=True) == SHORT


async def test_slices_of_any_range_wait_for_their_bytes(spool: Spool) -> None:
    async with await spool.room(b"", len(SHORT)) as room:
        ranges = [(0, 1), (5, FIRST), (FIRST - 1, 2), (FIRST, FULL), (FIRST + FULL, 99), (len(SHORT) - 1, 50), (9, 0)]
        waiting = [asyncio.create_task(room.slice(*r)) for r in ranges]
        await fill(room, SHORT)
        for (start, length), task in zip(ranges, waiting, strict=True):
            assert await task == SHORT[start : start + length]


async def test_parts_at_once_confirmed_in_any_order(spool: Spool) -> None:
    """As an upload in parts does it: each part is confirmed up to the first that is still missing."""
    part, done = SEGMENT, set[int]()
    async with await spool.room(b"", len(LONG)) as room, asyncio.TaskGroup() as group:
        group.create_task(fill(room, LONG))
        gate = asyncio.Semaphore(2)

        async def send(number: int) -> bytes:
            async with gate:
                body = room.body(number * part, min(len(LONG), (number + 1) * part))
                data = b"".join([c async for c in body.chunks()])
                assert body.size == len(data)
                await asyncio.sleep(0.002 * (number % 3))
                done.add(number)
                room.confirm(part * next(n for n in range(99) if n not in done))
                return data

        sent = [group.create_task(send(n)) for n in range(-(-len(LONG) // part))]
    assert b"".join(t.result() for t in sent) == LONG


async def test_a_slice_wider_than_the_window_is_refused_and_does_not_hang(spool: Spool) -> None:
    async with await spool.room(b"", len(LONG)) as room:
        with pytest.raises(Unsupported, match="window"):
            async with asyncio.timeout(5):
                await room.slice(0, (WINDOW + 1) * SEGMENT)


async def test_the_writers_failure_reaches_the_reader(spool: Spool) -> None:
    async with await spool.room(b"", len(LONG)) as room:
        got: list[bytes] = []

        async def reader() -> None:
            async for chunk in room.chunks(consuming=True):
                got.append(chunk)  # noqa: PERF401  # what came before the error must be kept

        reading = asyncio.create_task(reader())
        await room.write(LONG[: SEGMENT + 5])
        await asyncio.sleep(0.05)
        room.fail(Unreachable("the source went away"))
        with pytest.raises(Unreachable, match="went away"):
            await reading
        assert b"".join(got) == LONG[:FIRST]
        with pytest.raises(Unreachable):
            await room.write(b"more")


@pytest.mark.parametrize("wrong", [len(SHORT) - 1, len(SHORT) + 1])
async def test_more_or_fewer_bytes_than_said_never_make_an_end(spool: Spool, wrong: int) -> None:
    async with await spool.room(b"", wrong) as room:
        with pytest.raises(Damaged):
            await fill(room, SHORT)
        with pytest.raises(Damaged):
            await read(room)


async def test_release_ends_reader_and_writer(spool: Spool) -> None:
    room = await spool.room(b"", len(LONG))
    writing = asyncio.create_task(fill(room, LONG))
    reading = asyncio.create_task(read(room, 9 * SEGMENT))
    await asyncio.sleep(0.05)
    room.release()
    room.release()
    for task in (writing, reading):
        with pytest.raises(SpoolGone):
            await task
    with pytest.raises(SpoolGone):
        await room.slice(0, 1)


async def test_nothing_is_written_after_the_end(spool: Spool) -> None:
    async with await spool.room(b"", 1) as room:
        await fill(room, b"x")
        with pytest.raises(Unsupported):
            await room.write(b"y")


async def test_the_body_of_a_room_knows_what_is_known(spool: Spool) -> None:
    async with await spool.room(b"", None, ["md5"]) as room:
        body = room.body()
        assert (body.size, body.digests, body.whole) == (None, (), None)
        await fill(room, SHORT)
        assert body.size == len(SHORT)
        assert body.digests == (Digest("md5", hashlib.md5(SHORT, usedforsecurity=False).digest()),)
        assert room.body(5, 10**9).size == len(SHORT) - 5
        assert room.body(0, 5).digests == ()
        assert b"".join([c async for c in body.chunks()]) == SHORT
        assert b"".join([c async for c in body.chunks()]) == SHORT


async def test_a_reader_that_stops_early_leaves_nothing_behind(spool: Spool) -> None:
    async with await spool.room(b"", len(SHORT)) as room:
        await fill(room, SHORT)
        chunks = room.chunks()
        await anext(chunks)
        await chunks.aclose()  # pyright: ignore[reportAttributeAccessIssue]
        task = asyncio.create_task(read(room))
        await asyncio.sleep(0)
        task.cancel()
        assert await read(room) == SHORT
