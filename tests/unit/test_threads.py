"""The lean pool of threads: order, results, errors, and what becomes of those who stop waiting."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Generator

import pytest

from mover.core.threads import Threads

pytestmark = pytest.mark.anyio


@pytest.fixture
async def three() -> Generator[Threads]:
    threads = Threads(3, "test")
    yield threads
    threads.close()


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("test-")}


def fail() -> None:
    raise KeyError("mine")


async def test_results_and_errors_come_back(three: Threads) -> None:
    assert await three.start(divmod, 7, 2) == (3, 1)
    assert await three.start(int, "f", base=16) == 15
    assert await three.start(threading.current_thread) is not threading.current_thread()
    with pytest.raises(KeyError, match="mine"):
        await three.start(fail)
    with pytest.raises(SystemExit):
        await three.start(exit, 3)
    assert await three.start(len, "and on it goes") == 14


async def test_one_thread_keeps_the_order() -> None:
    one, seen = Threads(1, "test"), list[int]()
    await asyncio.gather(*(one.start(seen.append, number) for number in range(100)))
    assert seen == list(range(100))
    assert len(names()) == 1
    one.close()


async def test_threads_begin_when_they_are_needed_and_no_more_than_wanted(three: Threads) -> None:
    assert names() == set()
    for _ in range(5):
        await three.start(len, "")
        await asyncio.sleep(0)
    assert names() == {"test-1"}
    barrier = threading.Barrier(3)
    assert sorted(await asyncio.gather(*(three.start(barrier.wait, 5) for _ in range(3)))) == [0, 1, 2]
    await asyncio.gather(*(three.start(time.sleep, 0.01) for _ in range(20)))
    assert names() == {"test-1", "test-2", "test-3"}


async def test_who_stops_waiting_does_not_end_the_call(three: Threads) -> None:
    go, seen = threading.Event(), list[int]()

    def work() -> None:
        go.wait(5)
        seen.append(1)

    waiting = asyncio.ensure_future(asyncio.wait_for(asyncio.shield(three.start(work)), 0.01))
    with pytest.raises(TimeoutError):
        await waiting
    lost = three.start(work)
    lost.cancel()
    go.set()
    await three.idle(5)
    assert await three.start(len, "x") == 1
    await asyncio.sleep(0.05)
    assert seen == [1, 1]


async def test_idle_waits_no_longer_than_it_may(three: Threads) -> None:
    await three.idle()
    go = threading.Event()
    call = three.start(go.wait, 10)
    began = time.monotonic()
    await three.idle(0.05)
    assert 0.04 < time.monotonic() - began < 5
    assert not call.done()
    go.set()
    await three.idle()
    assert call.done()


async def test_closed_threads_end_their_calls_and_take_no_more() -> None:
    threads = Threads(2, "test")
    calls = [threads.start(time.sleep, 0.02) for _ in range(6)]
    threads.close()
    await asyncio.gather(*calls)
    with pytest.raises(RuntimeError, match="test threads"):
        threads.start(len, "")
    for _ in range(100):
        if not names():
            break
        await asyncio.sleep(0.01)
    assert names() == set()


async def test_a_resting_thread_keeps_nothing_alive(three: Threads) -> None:
    class Large:
        pass

    def work(given: Large) -> Large:
        return given

    large = Large()
    gone = weakref.ref(large)
    assert await three.start(work, large) is large
    del large
    for _ in range(100):
        gc.collect()
        if gone() is None:
            break
        await asyncio.sleep(0.01)
    assert gone() is None


def test_a_loop_that_has_ended_is_not_told() -> None:
    go, done = threading.Event(), threading.Event()
    threads = Threads(1, "test")

    def work() -> None:
        go.wait(5)

    async def begin() -> None:
        threads.start(work)
        threads.start(done.set)

    asyncio.run(begin())
    go.set()
    assert done.wait(5)  # the thread lives on
    threads.close()
