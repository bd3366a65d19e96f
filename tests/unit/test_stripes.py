"""Ranges of one file side by side: in order, bounded, no more of them than make it faster, and gone when they are given up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from mover.core.errors import NotFound
from mover.engine.stripes import LONG, Crowd, striped

pytestmark = pytest.mark.anyio

DATA = random.Random(1).randbytes(50_000)
Give = Callable[[bytes], Awaitable[None]]


class Source:
    """Gives `DATA` in pieces of 100 bytes. `wait` is asked before each; what was given and not taken yet is counted."""

    def __init__(self, wait: Callable[[int], Awaitable[object]]) -> None:
        self.wait = wait
        self.ranges: list[tuple[int, int]] = []
        self.under_way = self.most_under_way = 0
        self.given = 0

    async def read(self, start: int, end: int, give: Give) -> None:
        self.ranges.append((start, end))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            for at in range(start, end, 100):
                await self.wait(at)
                self.given += min(100, end - at)
                await give(DATA[at : min(at + 100, end)])
        finally:
            self.under_way -= 1


def shuffled(seed: int) -> Callable[[int], Awaitable[None]]:
    chance = random.Random(seed)

    async def wait(at: int) -> None:
        for _ in range(chance.choice([0, 0, 0, 1, 5, 20])):
            await asyncio.sleep(0)

    return wait


async def at_once(at: int) -> None:
    await asyncio.sleep(0)


def ticking() -> Callable[[], float]:
    """A clock by which every number of ranges seems faster than the one before."""
    steps = iter(range(1000))
    return lambda: 1.0 - 0.5 ** next(steps)


async def collect(pieces: AsyncIterator[bytes], into: bytearray) -> None:
    async for piece in pieces:
        into += piece


def others() -> set[asyncio.Task[Any]]:
    """The ranges still on their way."""
    return {task for task in asyncio.all_tasks() if "Stripe" in repr(task.get_coro())}


@pytest.mark.parametrize("most", [1, 2, 4, 9])
@pytest.mark.parametrize("start", [0, 1, 12_345, 49_999, 50_000])
async def test_bytes_come_in_order(most: int, start: int) -> None:
    for seed in range(5):
        source = Source(shuffled(seed))
        pieces = striped(source.read, start, len(DATA), length=1000, most=most, now=ticking())
        assert b"".join([piece async for piece in pieces]) == DATA[start:]
        assert source.most_under_way <= most
        assert sum(end - begin for begin, end in source.ranges) == len(DATA) - start
        assert not others()


async def test_no_more_waits_than_the_ranges_on_their_way_hold() -> None:
    source, taken, most_waiting = Source(at_once), 0, 0
    pieces = striped(source.read, 0, len(DATA), length=1000, most=4, now=ticking())
    async for piece in pieces:
        taken += len(piece)
        for _ in range(100):  # a slow consumer: all who can run on do so
            await asyncio.sleep(0)
        most_waiting = max(most_waiting, source.given - taken)
    assert 3000 <= most_waiting <= 4000


async def test_a_range_alone_is_long_and_hardly_waits_at_all() -> None:
    source, taken = Source(at_once), 0
    async for piece in striped(source.read, 0, len(DATA), length=1000, most=1):
        taken += len(piece)
        for _ in range(20):
            await asyncio.sleep(0)
        assert source.given - taken <= 400
    assert source.ranges == [(0, len(DATA))]
    assert len(DATA) < LONG


class Link:
    """A source as far away as `alone` says, in bytes per second of one range, and no faster than `in_all`."""

    def __init__(self, alone: float, in_all: float) -> None:
        self.alone, self.in_all, self.time = alone, in_all, 0.0

    def now(self) -> float:
        return self.time

    def settled(self, most: int) -> tuple[int, int]:
        """How many at once a crowd ends at, and the most it tried."""
        crowd, tried = Crowd(most, self.now), 1
        for _ in range(1000):
            if crowd.settled:
                return crowd.at_once, tried
            self.time += 1000 / min(self.alone * crowd.at_once, self.in_all)
            crowd.took(1000)
            tried = max(tried, crowd.at_once)
        raise AssertionError("it never settled")


@pytest.mark.parametrize(
    ("alone", "in_all", "most", "ends"),
    [
        (1e6, 1e6, 4, (1, 2)),  # near: a second one brings nothing
        (1e6, 1.1e6, 4, (1, 2)),  # too little
        (1e6, 1e9, 4, (4, 4)),  # far: each brings as much as the first
        (1e6, 1e9, 8, (4, 5)),  # the fifth brings a quarter: less than it is worth
        (1e6, 2e6, 4, (2, 3)),
        (1e6, 2.5e6, 8, (2, 3)),
        (1e6, 1e9, 1, (1, 1)),
        (1e6, 1e9, 2, (2, 2)),
    ],
)
def test_as_many_at_once_as_make_it_faster(alone: float, in_all: float, most: int, ends: tuple[int, int]) -> None:
    assert Link(alone, in_all).settled(most) == ends


def test_what_was_under_way_before_the_number_changed_is_not_counted() -> None:
    link = Link(1e6, 1e6)
    crowd = Crowd(4, link.now)
    link.time = 3600.0  # the first range: the source was asleep
    crowd.took(1000)
    for _ in range(4):
        link.time += 1.0
        crowd.took(1000)
    assert crowd.at_once == 2
    crowd.took(10**9)  # begun when it was alone
    for _ in range(4):
        link.time += 1.0
        crowd.took(1000)
    assert (crowd.at_once, crowd.settled) == (1, True)


def test_a_clock_that_stands_still_does_no_harm() -> None:
    crowd = Crowd(4, lambda: 5.0)
    while not crowd.settled:
        crowd.took(1000)
    assert crowd.at_once >= 1


@pytest.mark.parametrize("where", [0, 20_000, 49_900])
async def test_an_error_comes_where_its_bytes_would_have_come_and_ends_all(where: int) -> None:
    async def wait(at: int) -> None:
        await asyncio.sleep(0)
        if at == where:
            raise NotFound("mine")

    source, got = Source(wait), bytearray()
    with pytest.raises(NotFound, match="mine"):
        await collect(striped(source.read, 0, len(DATA), length=1000, most=4, now=ticking()), got)
    assert got == DATA[:where]
    assert (source.under_way, others()) == (0, set())


async def test_several_errors_are_one(caplog: pytest.LogCaptureFixture) -> None:
    async def wait(at: int) -> None:
        await asyncio.sleep(0)
        if at >= 20_000:
            raise NotFound(f"{at}")

    with pytest.raises(NotFound, match="20000"):
        await collect(striped(Source(wait).read, 0, len(DATA), length=1000, most=4, now=ticking()), bytearray())
    assert not others()
    assert not caplog.records  # no "exception was never retrieved"


async def test_leaving_ends_all() -> None:
    source = Source(at_once)
    async with aclosing(striped(source.read, 0, len(DATA), length=1000, most=4, now=ticking())) as pieces:
        async for _ in pieces:
            if source.most_under_way == 4:
                break
    assert (source.under_way, others()) == (0, set())


async def test_being_cancelled_ends_all_even_those_that_are_slow_to_go() -> None:
    slow = asyncio.Event()

    async def wait(at: int) -> None:
        try:
            await (asyncio.sleep(60) if at >= 30_000 else asyncio.sleep(0))
        except asyncio.CancelledError:
            await slow.wait()
            raise

    source = Source(wait)

    async def consume() -> None:
        async with aclosing(striped(source.read, 0, len(DATA), length=1000, most=4, now=ticking())) as pieces:
            async for _ in pieces:
                pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.1)
    assert source.under_way == 4
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()  # once more, while it waits for the ranges to end
    slow.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(5):
        await asyncio.sleep(0)
    assert (source.under_way, others()) == (0, set())
