"""Whoever waits for what is not the provider's to give does not keep a turn from others."""

from __future__ import annotations

import asyncio

import pytest
from tests.clock import VirtualClock

from mover.net.pace import Pace

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def test_who_waits_for_something_else_leaves_the_turn(clock: VirtualClock) -> None:
    pace, done = Pace(clock, at_most=1), asyncio.Event()

    async def first() -> None:
        async with pace.turn():
            async with pace.aside():
                await done.wait()
            assert pace.running == 1

    waiting = asyncio.create_task(first())
    await asyncio.sleep(0)
    async with pace.turn():
        done.set()
        await asyncio.sleep(0.01)
        assert not waiting.done(), "it waits for a turn again"
    await waiting
    assert pace.running == 0


@pytest.mark.parametrize("back", ["waiting to come back", "still aside"])
async def test_who_is_ended_while_aside_gives_back_one_turn_only(clock: VirtualClock, back: str) -> None:
    pace, done = Pace(clock, at_most=1), asyncio.Event()

    async def first() -> None:
        async with pace.turn(), pace.aside():
            await done.wait()

    waiting = asyncio.create_task(first())
    await asyncio.sleep(0)
    async with pace.turn():
        if back == "waiting to come back":
            done.set()
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (pace.running, waiting.cancelled()) == (1, True)
    assert pace.running == 0
