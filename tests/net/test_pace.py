"""Pacing: how many calls at once, and how long nobody may call. All on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clock import VirtualClock

from mover.core.errors import BadOption, Denied, Locked, Throttled, Unreachable
from mover.net.pace import LONGEST_WAIT, Bandwidth, Pace

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class Calls:
    """Calls that take a second each, and remember how many ran at once and when each began."""

    def __init__(self, clock: VirtualClock, pace: Pace) -> None:
        self.clock, self.pace = clock, pace
        self.now = self.most = 0
        self.begun: list[float] = []
        self.order: list[int] = []

    async def one(self, number: int = 0) -> None:
        async with self.pace.turn():
            self.now += 1
            self.most = max(self.most, self.now)
            self.begun.append(self.clock.monotonic())
            self.order.append(number)
            await self.clock.sleep(1.0)
            self.now -= 1

    async def many(self, n: int) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(n):
                group.create_task(self.one(number))


async def test_bounds_the_calls_at_once_first_come_first_served(clock: VirtualClock) -> None:
    calls = Calls(clock, Pace(clock, at_most=3))
    await calls.many(9)
    assert calls.most == 3
    assert calls.order == list(range(9))
    assert clock.elapsed == 3.0
    assert calls.pace.running == 0


async def test_a_turn_is_given_back_when_the_call_fails(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=1)
    for _ in range(3):
        with pytest.raises(Denied):
            async with pace.turn():
                raise Denied("no")
    assert pace.running == 0


async def test_throttled_halves_at_once_down_to_one(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=9)
    seen = []
    for _ in range(5):
        pace.report(Throttled("slow down"))
        seen.append(pace.limit)
    assert seen == [4, 2, 1, 1, 1]


async def test_calls_already_under_way_do_not_halve_again(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=8)

    async def throttled() -> None:
        async with pace.turn():
            await clock.sleep(1.0)
        pace.report(Throttled("slow down"))

    await asyncio.gather(*(throttled() for _ in range(8)))
    assert pace.limit == 4, "eight answers to one burst are one message"
    await asyncio.gather(*(throttled() for _ in range(4)))
    assert pace.limit == 2


async def test_grows_back_by_one_and_never_past_the_most(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=4, grow_after=10)
    pace.report(Throttled("slow down"))
    assert pace.limit == 2
    for _ in range(10):
        pace.succeeded()
    assert pace.limit == 3
    for _ in range(100):
        pace.succeeded()
    assert pace.limit == 4


async def test_growth_lets_a_waiting_call_in(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=2, grow_after=1)
    pace.report(Throttled("slow down"))
    calls = Calls(clock, pace)
    pair = asyncio.gather(calls.one(), calls.one())
    await asyncio.sleep(0)
    assert calls.now == 1
    pace.succeeded()
    await pair
    assert calls.most == 2
    assert clock.elapsed == 1.0


async def test_halving_lets_no_new_call_in_until_enough_have_ended(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=4)
    calls = Calls(clock, pace)
    first = asyncio.gather(*(calls.one() for _ in range(4)))
    await asyncio.sleep(0)
    pace.report(Throttled("slow down"))
    calls.most = 0
    await asyncio.gather(first, calls.many(4))
    assert calls.begun == [0.0] * 4 + [1.0, 1.0, 2.0, 2.0]


async def test_a_turn_handed_on_by_a_throttled_call_is_not_used(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=2)
    calls = Calls(clock, pace)
    await pace.enter()
    under_way = asyncio.create_task(calls.one(1))
    waiting = asyncio.create_task(calls.one(2))
    await asyncio.sleep(0)
    pace.leave()
    pace.report(Throttled("slow down"))
    await asyncio.gather(under_way, waiting)
    assert calls.begun == [0.0, 1.0]


async def test_a_hold_closes_the_gate_for_all_and_the_longest_wins(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=4)
    calls = Calls(clock, pace)
    pace.hold(30)
    pace.hold(5)  # a shorter one does not open it earlier
    assert pace.held == 30.0
    await calls.many(4)
    assert calls.begun == [30.0] * 4
    assert pace.held == 0.0


async def test_a_hold_during_a_hold_makes_the_waiting_wait_on(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=2)
    calls = Calls(clock, pace)
    pace.hold(10)

    async def later() -> None:
        await clock.sleep(5)
        pace.hold(20)

    await asyncio.gather(calls.many(2), later())
    assert calls.begun == [25.0, 25.0]


async def test_after_a_hold_no_more_rush_in_than_the_halved_number(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=8)
    calls = Calls(clock, pace)
    pace.hold(10)
    waiting = asyncio.gather(*(calls.one() for _ in range(8)))
    await asyncio.sleep(0)
    pace.report(Throttled("slow down", after=10))
    await waiting
    assert calls.most == 4
    assert calls.begun == [10.0] * 4 + [11.0] * 4


async def test_no_hold_is_longer_than_the_longest_wait(clock: VirtualClock) -> None:
    pace = Pace(clock)
    pace.report(Throttled("come back tomorrow", after=86400))
    assert pace.held == LONGEST_WAIT
    pace.hold(float("inf"))
    pace.hold(float("nan"))
    assert pace.held == LONGEST_WAIT


async def test_only_failures_of_the_link_close_the_gate(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=8)
    pace.report(Locked("somebody has it open", after=60))
    assert pace.held == 0.0
    pace.report(Unreachable("503", after=60))
    assert pace.held == 60.0
    assert pace.limit == 8


@pytest.mark.parametrize("held", [0, 5])
async def test_a_cancelled_wait_loses_no_turn(clock: VirtualClock, held: int) -> None:
    pace = Pace(clock, at_most=1)
    pace.hold(held)
    calls = Calls(clock, pace)
    tasks = [asyncio.create_task(calls.one(n)) for n in range(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert calls.order[-2:] == [2, 3]
    assert pace.running == 0


async def test_a_turn_that_comes_with_the_cancellation_goes_to_the_next(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=1)
    calls = Calls(clock, pace)
    await pace.enter()
    waiting = asyncio.create_task(calls.one(1))
    after = asyncio.create_task(calls.one(2))
    await asyncio.sleep(0)
    pace.leave()
    waiting.cancel()
    await asyncio.gather(waiting, after, return_exceptions=True)
    assert calls.order == [2]
    assert pace.running == 0


async def test_a_cancelled_place_that_was_passed_over_is_no_fault(clock: VirtualClock) -> None:
    pace = Pace(clock, at_most=1)
    calls = Calls(clock, pace)
    await pace.enter()
    waiting = asyncio.create_task(calls.one(1))
    await asyncio.sleep(0)
    waiting.cancel()
    pace.leave()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await calls.one(2)
    assert calls.order == [2]


@given(st.lists(st.sampled_from(["ok", "throttled", "hold", "fail", "cancel"]), max_size=40), st.integers(1, 5))
def test_whatever_happens_every_turn_comes_back(outcomes: list[str], at_most: int) -> None:
    async def play() -> None:
        clock = VirtualClock()
        pace = Pace(clock, at_most=at_most, grow_after=2)

        async def call(outcome: str) -> None:
            async with pace.turn():
                assert 0 < pace.running <= at_most
                await clock.sleep(0.5)
                if outcome == "fail":
                    raise Denied("no")
            if outcome == "throttled":
                pace.report(Throttled("slow down", after=1))
            elif outcome == "hold":
                pace.hold(2)
            else:
                pace.succeeded()

        tasks = [asyncio.create_task(call(o)) for o in outcomes]
        await asyncio.sleep(0)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome == "cancel":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pace.running == 0
        await call("ok")

    asyncio.run(play())


@pytest.mark.parametrize("number", [0, -1])
async def test_a_senseless_number_is_refused(clock: VirtualClock, number: int) -> None:
    with pytest.raises(BadOption, match="1 or more"):
        Pace(clock, at_most=number)
    with pytest.raises(BadOption, match="1 byte per second"):
        Bandwidth(clock, number)
