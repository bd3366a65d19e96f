"""Connections that stay open between one lease and the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from mover.core.clock import Clock
from mover.engine.side import Side
from mover.runner.ends import End, opened

IDLE: Final = 30.0
"""Seconds that a connection waits for another lease."""

AT_ONCE: Final = 40
"""Calls on their way over one connection."""


class OpenEnds:
    """Shares open ends between leases that want the same, and closes those nobody wants any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[tuple[str, bool, bool], _Open] = {}

    @asynccontextmanager
    async def side(self, key: str, end: End, *, make: bool, may_lack: bool) -> AsyncGenerator[Side]:
        """The open end. `key` names connection, secrets and path: equal keys share one. Raises as `opened`."""
        which = (key, make, may_lack)
        if (found := self._open.get(which)) is None or found.failed:
            found = self._open[which] = _Open(end, self._clock, make=make, may_lack=may_lack)
        found.users += 1
        try:
            yield await found.side()
        finally:
            found.users -= 1
            found.idle_since = self._clock.monotonic()

    async def tidy(self, *, everything: bool = False) -> None:
        """Close what nobody uses: what is idle for long, or everything."""
        now = self._clock.monotonic()
        for which, found in list(self._open.items()):
            if not found.users and (everything or found.failed or now - found.idle_since > IDLE):
                del self._open[which]
                await found.close()


class _Open:
    """One end, held open by a task of its own: whoever opens a connection must close it, and leases come and go."""

    def __init__(self, end: End, clock: Clock, *, make: bool, may_lack: bool) -> None:
        self.users = 0
        self.idle_since = clock.monotonic()
        self._ready: asyncio.Future[Side] = asyncio.get_running_loop().create_future()
        self._enough = asyncio.Event()
        self._task = asyncio.create_task(self._hold(end, clock, make=make, may_lack=may_lack))

    @property
    def failed(self) -> bool:
        """Whether it could not be opened, or broke."""
        return self._task.done()

    async def side(self) -> Side:
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        self._enough.set()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _hold(self, end: End, clock: Clock, *, make: bool, may_lack: bool) -> None:
        try:
            async with opened(end, clock, at_once=AT_ONCE, make=make, may_lack=may_lack) as side:
                self._ready.set_result(side)
                await self._enough.wait()
        except BaseException as problem:
            if self._ready.done():
                raise
            self._ready.set_exception(problem)
            self._ready.exception()  # it is raised where somebody waits for the side
