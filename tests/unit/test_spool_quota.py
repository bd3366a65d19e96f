"""The quota: back-pressure in line, never an error, never a deadlock."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from mover.crypto.streaming import SEGMENT
from mover.spool.kept import SMALL
from mover.spool.slots import Slots
from mover.spool.spool import LEAST_QUOTA, Spool

pytestmark = pytest.mark.anyio


async def test_thirty_two_producers_share_a_small_quota(tmp_path: Path) -> None:
    """Sizes add up to many times the quota; every byte arrives, and the quota holds at every moment."""
    chance = random.Random(7)
    async with asyncio.timeout(120), Spool.open(tmp_path / "spool", quota=LEAST_QUOTA, window=8) as spool:
        most = 0

        async def transfer(number: int) -> None:
            nonlocal most
            size = chance.choice([0, 100, SMALL, SMALL + 1, SEGMENT, 3 * SEGMENT, 9 * SEGMENT])
            data = os.urandom(size)
            if size <= SEGMENT:
                async with await spool.keep(data, b"") as kept:
                    most = max(most, spool.used)
                    await asyncio.sleep(chance.random() / 100)
                    assert await kept.read() == data
                return
            async with await spool.room(b"", size if number % 2 else None) as room, asyncio.TaskGroup() as group:
                most = max(most, spool.used)
                group.create_task(_fill(room, data))
                assert b"".join([c async for c in room.chunks(consuming=True)]) == data

        async def producer(number: int) -> None:
            for _ in range(4):
                await transfer(number)

        async with asyncio.TaskGroup() as group:
            for number in range(32):
                group.create_task(producer(number))
        assert spool.used == 0
        assert LEAST_QUOTA // 2 < most <= LEAST_QUOTA
        assert os.fstat(spool._file).st_size <= LEAST_QUOTA


async def test_first_come_first_served() -> None:
    """A large wish at the head of the line is not starved by small ones behind it."""
    slots = Slots(0, 1, 4)
    served: list[str] = []

    async def want(name: str, count: int) -> None:
        await slots.reserve(count)
        served.append(name)

    await slots.reserve(2)
    tasks = [asyncio.create_task(want(*w)) for w in (("large", 4), ("small", 1), ("tiny", 1))]
    await asyncio.sleep(0)
    assert served == []
    assert not slots.reserve_now(1), "nobody jumps the line"
    slots.unreserve(2)
    await asyncio.sleep(0)
    assert served == ["large"]
    slots.unreserve(4)
    await asyncio.gather(*tasks)
    assert served == ["large", "small", "tiny"]


async def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    slots = Slots(0, 1, 4)
    await slots.reserve(3)
    large, small = (asyncio.create_task(slots.reserve(n)) for n in (4, 1))
    await asyncio.sleep(0)
    large.cancel()
    await small
    assert slots.reserved == 4


async def test_whoever_gives_up_in_the_very_moment_of_its_turn_gives_it_back() -> None:
    slots = Slots(0, 1, 1)
    await slots.reserve()
    waiting = asyncio.create_task(slots.reserve())
    await asyncio.sleep(0)
    slots.unreserve(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert slots.reserved == 0


async def test_slots_are_lent_last_in_first_out() -> None:
    slots = Slots(100, 10, 5)
    first, second = slots.take(), slots.take()
    assert (first, second) == (100, 110)
    slots.put(first)
    assert slots.take() == first
    assert slots.take() == 120


async def test_cancelled_transfers_give_everything_back(tmp_path: Path) -> None:
    chance = random.Random(3)
    async with asyncio.timeout(60), Spool.open(tmp_path / "spool", quota=LEAST_QUOTA, window=3) as spool:

        async def transfer() -> None:
            async with await spool.room(b"", 6 * SEGMENT) as room, asyncio.TaskGroup() as group:
                group.create_task(_fill(room, bytes(6 * SEGMENT)))
                async for _ in room.chunks(consuming=True):
                    await asyncio.sleep(0.001)

        for _ in range(10):
            tasks = [asyncio.create_task(transfer()) for _ in range(8)]
            await asyncio.sleep(chance.random() / 20)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await spool._threads.idle()
        assert spool.used == 0
        assert sorted(spool._large._used) == sorted(set(spool._large._used)), "no slot is lent twice"


async def _fill(room: object, data: bytes) -> None:
    for at in range(0, len(data), 200_000):
        await room.write(data[at : at + 200_000])
    await room.close()
