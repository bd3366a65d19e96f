"""Waiting for batches to end: many waits, one question to the database for all of them."""

from __future__ import annotations

import asyncio
from typing import Final

from mover.store import batches
from mover.store.database import Database

PAUSE: Final = 0.25
"""Seconds between two questions."""


class Waits:
    """Those who wait for a batch to be done, withdrawn or given back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._released = False

    def release(self) -> None:
        """Let go of all who wait, now and from now on: this process ends. Their batches stay offered."""
        self._released = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)
        if self._asking is not None:
            self._asking.cancel()

    async def settled(self, batch: int) -> None:
        """Wait until nobody works on the batch and nobody may begin to.

        Raises:
            MoverError: the database is lost; wait again.
        """
        if self._released:
            return
        waiting = self._waiting.setdefault(batch, asyncio.get_running_loop().create_future())
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            await asyncio.shield(waiting)
        finally:
            if self._waiting.get(batch) is waiting:
                del self._waiting[batch]

    async def _ask(self) -> None:
        try:
            while self._waiting:
                async with self._database.read() as connection:
                    ended = await batches.settled(connection, list(self._waiting))
                for batch in ended:
                    if (waiting := self._waiting.pop(batch, None)) is not None and not waiting.done():
                        waiting.set_result(None)
                await asyncio.sleep(PAUSE)
        except BaseException as problem:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(problem)
                    waiting.exception()  # it is raised where somebody still waits
            raise
