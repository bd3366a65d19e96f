"""A few connections, each lent to one caller at a time; their blocking work runs in as many threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from mover.connectors._kit.ftp.session import Session
from mover.connectors._kit.ftp.settings import Settings
from mover.core.errors import MoverError

T = TypeVar("T")

_LEAVING: Final = 10.0
"""How long the end of a connection may take, in seconds."""


class Lease:
    """A connection while it is lent."""

    def __init__(self, session: Session, threads: concurrent.futures.Executor) -> None:
        self.session = session
        self._threads = threads
        self._job: concurrent.futures.Future[Any] | None = None

    @property
    def healthy(self) -> bool:
        """Whether the connection can be used on."""
        return not self.session.broken

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run blocking work on the connection. If the caller is cancelled, the connection is cut, so that the work ends."""
        job = self._threads.submit(work, self.session)
        self._job = job
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            self.session.kill()
            raise

    def drop(self) -> None:
        """Close the connection, once nothing works on it."""
        job, session = self._job, self.session
        session.kill()
        if job is None or job.done():
            session.close()
        else:
            job.add_done_callback(lambda _: session.close())


class Pool:
    """Connections to one server and account. `lease` waits while all are lent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = concurrent.futures.ThreadPoolExecutor(settings.connections, thread_name_prefix="mover-ftp")
        self._room = asyncio.Semaphore(settings.connections)
        self._idle: list[Session] = []
        self._chores: set[asyncio.Task[None]] = set()
        self._known: Session | None = None

    @asynccontextmanager
    async def lease(self) -> AsyncGenerator[Lease]:
        """Borrow a connection; a new one is made if none rests. One that broke, or whose work was cut short, is closed."""
        async with self._room:
            lease = Lease(await self._taken(), self._threads)
            whole = False
            try:
                yield lease
                whole = True
            except MoverError:
                whole = True
                raise
            finally:
                self._give_back(lease, whole=whole)

    async def run(self, work: Callable[[Session], T]) -> T:
        """Borrow a connection for one piece of blocking work."""
        async with self.lease() as lease:
            return await lease.run(work)

    async def tidy(self, work: Callable[[Session], None]) -> None:
        """Run work that cleans up after a failure: also if the caller is cancelled, and without hiding the first error by another."""
        chore = asyncio.ensure_future(self._tidied(work))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)
        await asyncio.shield(chore)

    async def close(self) -> None:
        """Finish the chores, say goodbye on every connection."""
        if self._chores:
            await asyncio.wait(self._chores, timeout=_LEAVING)
        leaving = [asyncio.wrap_future(self._threads.submit(session.close)) for session in self._idle]
        self._idle.clear()
        if leaving:
            await asyncio.wait(leaving, timeout=_LEAVING)
        self._threads.shutdown(wait=False)

    async def _tidied(self, work: Callable[[Session], None]) -> None:
        with contextlib.suppress(MoverError):
            await self.run(work)

    async def _taken(self) -> Session:
        while self._idle:
            session = self._idle.pop()
            if not session.stale():
                return session
            session.kill()
            session.close()
        return await self._opened()

    async def _opened(self) -> Session:
        features = self._known.features if self._known else None
        job = self._threads.submit(Session.open, self._settings, features)
        try:
            session = await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            job.add_done_callback(_close_result)
            raise
        self._known = self._known or session
        return session

    def _give_back(self, lease: Lease, *, whole: bool) -> None:
        session = lease.session
        if whole and not session.broken and session.data is None:
            session.touch()
            self._idle.append(session)
        else:
            lease.drop()


def _close_result(job: concurrent.futures.Future[Session]) -> None:
    if not job.cancelled() and job.exception() is None:
        job.result().kill()
        job.result().close()
