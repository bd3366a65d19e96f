"""How fast bytes may pass, and how long to wait before the next try. All on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clock import VirtualClock

from mover.core.clock import SystemClock
from mover.core.errors import Denied, MoverError, Throttled, Unreachable
from mover.net.pace import Bandwidth, Retries

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def test_bandwidth_lets_a_second_pass_at_once_and_then_keeps_the_rate(clock: VirtualClock) -> None:
    band = Bandwidth(clock, 100)
    await band.take(100)
    assert clock.elapsed == 0.0
    await band.take(50)
    assert clock.elapsed == 0.5
    await band.take(1000)
    assert clock.elapsed == 10.5


async def test_bandwidth_saves_no_more_than_a_second(clock: VirtualClock) -> None:
    band = Bandwidth(clock, 100)
    await band.take(100)
    clock.pass_time(3600)
    await band.take(100)
    await band.take(100)
    assert clock.elapsed == 3601.0


async def test_bandwidth_is_shared_by_all_who_take(clock: VirtualClock) -> None:
    band = Bandwidth(clock, 100)
    await asyncio.gather(*(band.take(50) for _ in range(10)))
    assert clock.elapsed == 4.0, "500 bytes at 100 per second, the first 100 at once"


async def test_bandwidth_gives_back_what_was_not_waited_for(clock: VirtualClock) -> None:
    band = Bandwidth(clock, 100)
    await band.take(100)
    large = asyncio.create_task(band.take(100_000))
    await asyncio.sleep(0)
    large.cancel()
    await asyncio.gather(large, return_exceptions=True)
    await band.take(100)
    assert clock.elapsed == 1.0


async def test_no_bandwidth_limit_never_waits(clock: VirtualClock) -> None:
    await Bandwidth(clock, None).take(1 << 40)
    assert clock.slept == []


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (8, 60.0), (10_000, 60.0)], ids=str)
def test_delay_doubles_up_to_the_cap(attempt: int, longest: float) -> None:
    assert Retries().delay(attempt, Unreachable("gone"), lambda: 1.0) == longest
    assert Retries().delay(attempt, Unreachable("gone"), lambda: 0.0) == 0.0


@given(st.integers(1, 100), st.floats(0, 1), st.none() | st.floats(0, 7200))
def test_delay_is_never_shorter_than_what_the_provider_asked(attempt: int, chance: float, after: float | None) -> None:
    delay = Retries().delay(attempt, Throttled("slow down", after=after), lambda: chance)
    assert (after or 0.0) <= delay <= (after or 0.0) + 60.0


@pytest.mark.parametrize(("attempt", "error"), [(1, Unreachable), (4, Unreachable), (1, Throttled)])
def test_tries_again_what_may_be_tried_again(attempt: int, error: Callable[[str], MoverError]) -> None:
    assert Retries(attempts=5).again(attempt, error("x"))


@pytest.mark.parametrize(("attempt", "error"), [(5, Unreachable), (1, Denied)])
def test_gives_up_after_the_last_try_and_where_none_helps(attempt: int, error: Callable[[str], MoverError]) -> None:
    assert not Retries(attempts=5).again(attempt, error("x"))


async def test_the_system_clock_tells_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    offset = clock.now().utcoffset()
    assert offset is not None
    assert not offset
