"""The connections that read: all in one consistent snapshot, for as long as nothing is written through this connector."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from mover.connectors.mysql.literals import identifier
from mover.connectors.mysql.session import Server, Session
from mover.core.errors import ItemError, LinkError, Throttled

AT_ONCE: Final = 4
"""Connections that share one snapshot, where the account may hold writers off for the instant in which they begin."""

SETTINGS: Final = (
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = '', time_zone = '+00:00', net_write_timeout = 3600, net_read_timeout = 3600",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
)
BEGIN: Final = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"


class Readers:
    """Lends sessions. The snapshot begins when the first is lent.

    With the RELOAD privilege, `AT_ONCE` sessions share it: they begin under a brief FLUSH TABLES WITH READ LOCK. Without,
    one session does all the reading. Once `retire` was called, sessions see what is committed: a transaction left open would block
    the definitions that a restore brings.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._opening = asyncio.Lock()
        self._free: asyncio.Queue[Session | None] = asyncio.Queue()  # `None`: one was lost, look again
        self._sessions: list[Session] = []
        self._live = True

    @asynccontextmanager
    async def session(self, database: str | None) -> AsyncGenerator[Session]:
        """A session that nobody else uses meanwhile, with `database` chosen."""
        session = await self._lent()
        try:
            if database is not None:
                await session.run(f"USE {identifier(database)}")
            yield session
        except LinkError:
            self._sessions.remove(session)
            self._free.put_nowait(None)
            session.close()
            raise
        finally:
            if session in self._sessions:
                self._free.put_nowait(session)

    async def retire(self) -> None:
        """End the snapshot: from now on each statement sees what is committed. Waits for readings under way."""
        async with self._opening:
            if not self._live:
                return
            self._live = False
            while self._sessions:
                if (session := await self._free.get()) is not None:
                    self._sessions.remove(session)
                    session.close()

    def close(self) -> None:
        """Drop all connections."""
        for session in self._sessions:
            session.close()

    async def _lent(self) -> Session:
        while True:
            async with self._opening:
                if not self._sessions:
                    self._sessions = await self._open()
                    for session in self._sessions:
                        self._free.put_nowait(session)
            if (lent := await self._free.get()) is not None:
                return lent

    async def _open(self) -> list[Session]:
        opened = [await self._opened()]
        try:
            if self._live:
                held = await _held(opened[0])
                await opened[0].run(BEGIN)
                if held:
                    await self._join(opened)
                    await opened[0].run("UNLOCK TABLES")
        except BaseException:
            for session in opened:
                session.close()
            raise
        return opened

    async def _join(self, opened: list[Session]) -> None:
        """Open more sessions into the same snapshot; fewer where the server allows no more connections."""
        with contextlib.suppress(Throttled):
            while len(opened) < AT_ONCE:
                opened.append(await self._opened(BEGIN))

    async def _opened(self, *more: str) -> Session:
        session = Session(self._server)
        try:
            await session.open()
            await session.run(*SETTINGS, *more)
        except BaseException:
            session.close()
            raise
        return session


async def _held(session: Session) -> bool:
    """Whether writers are held off now. They are not where the account may not, or where a long statement is in the way."""
    with contextlib.suppress(ItemError):
        await session.run("SET SESSION lock_wait_timeout = 3", "FLUSH TABLES WITH READ LOCK")
        return True
    return False
