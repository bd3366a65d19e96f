"""Threads for calls that block, at a third of the price of the standard library's executors (which chain two futures for each call)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_Call = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]]


class Threads:
    """Up to `most` threads of one event loop; each is started when it is first needed."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._started = 0
        self._busy: set[asyncio.Future[Any]] = set()

    def start(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Begin the call in a thread. Whoever stops waiting for it does not end it: shield what must be heard to its end.

        Raises:
            RuntimeError: the threads were let go by `close`.
        """
        if not self._most:
            raise RuntimeError(f"the {self._name} threads were let go")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._busy.add(future)
        future.add_done_callback(self._busy.discard)
        if self._started < min(self._most, len(self._busy)):
            self._started += 1
            Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        self._calls.put((loop, future, (lambda: call(*args, **kwargs)) if args or kwargs else call))
        return future

    async def idle(self, seconds: float | None = None) -> None:
        """Wait until no call is under way, or for so many seconds."""
        while self._busy:
            done, _ = await asyncio.wait(self._busy, timeout=seconds)
            if not done:
                return

    def close(self) -> None:
        """Let the threads go when their calls have ended; none can be started any more."""
        for _ in range(self._started):
            self._calls.put(None)
        self._most = 0

    def _work(self) -> None:
        while (given := self._calls.get()) is not None:
            loop, future, call = given
            try:
                _tell(loop, _settle, future, call())  # no name here may keep the result: it can be large
            except BaseException as problem:  # noqa: BLE001  # it is raised where the call is waited for
                _tell(loop, _fail, future, problem)
            del given, future, call


def _tell(loop: asyncio.AbstractEventLoop, how: Callable[[asyncio.Future[Any], Any], None], *what: Any) -> None:
    try:
        loop.call_soon_threadsafe(how, *what)
    except RuntimeError:  # the loop has ended: nobody waits any more
        return


def _settle(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], problem: BaseException) -> None:
    if not future.done():
        future.set_exception(problem)
