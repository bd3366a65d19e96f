"""One rule: a batch that is not done, of a run under way, has somebody who waits for it, or a runner that holds it.

Whatever is lost, a wait, a process, the whole engine's tables, is made again from the batches. New batches come into the queue by the same
rule, a few of each run at a time, so that a run of millions of items does not fill it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import text

from mover.core.errors import MoverError
from mover.store.database import Database
from mover.store.runs import under_way
from mover.work.endings import settle_run
from mover.work.queue import ENDED, DurableQueue, Waiting

PAUSE: Final = 5.0
"""Seconds between two looks, if nothing happens; news makes it look at once."""

WINDOW: Final = 48
"""Batches of one run that wait in the queue at once."""

GONE: Final = 20.0
"""Seconds of silence after which a control process counts as gone."""

_LOCK: Final = 0x4D6F7665
_BEAT: Final = text("INSERT INTO mover.control (id) VALUES (:id) ON CONFLICT (id) DO UPDATE SET seen = now()")
_BURY: Final = text("DELETE FROM mover.control WHERE seen < now() - make_interval(secs => :seconds)")
_DUE: Final = text("""
    SELECT id, seq, owner, work, state FROM (
        SELECT b.id, b.seq, b.owner, b.work, b.state,
               row_number() OVER (PARTITION BY b.run, b.work ORDER BY b.state = 'ready', b.id) AS place
        FROM mover.batch b JOIN mover.run r ON r.id = b.run
        WHERE r.state = 'running' AND b.state IN ('ready', 'offered', 'leased')
          AND (b.not_before IS NULL OR b.not_before <= now() + interval '1 second')) due
    WHERE place <= :window AND state = 'ready'""")
_AGAIN: Final = text("UPDATE mover.batch SET seq = seq + 1 WHERE id = :id AND seq = :seq AND state = 'ready'")


class Reconciler:
    """Keeps the rule. Any number of processes may run one; they take turns."""

    def __init__(self, database: Database, queue: DurableQueue) -> None:
        self._database = database
        self._queue = queue
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is new work, or room for some."""
        self._news.set()

    async def forever(self) -> None:
        """Look until cancelled. A lost database is waited for."""
        while True:  # until cancelled
            self._news.clear()
            with contextlib.suppress(MoverError):
                await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._news.wait()

    async def look(self) -> None:
        """Apply the rule once, unless another process is at it.

        The queue is asked when no row is locked any more: whatever it is told twice it takes once.
        """
        async with self._database.transaction() as connection:
            await connection.execute(_BEAT, {"id": self._queue.executor})
        async with self._database.transaction() as connection:
            took = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if not took.scalar_one():
                return
            await connection.execute(_BURY, {"seconds": GONE})
            alive = set((await connection.execute(text("SELECT id FROM mover.control"))).scalars())
            for run in await under_way(connection):
                await settle_run(connection, run)
            rows = await connection.execute(_DUE, {"window": WINDOW})
            due = [Waiting(row.id, row.seq, row.owner, row.work) for row in rows]
        await self._queue.recover(await self._queue.abandoned(alive))
        await self._begin(due)

    async def _begin(self, due: Sequence[Waiting]) -> None:
        states = await self._queue.states([waiting.workflow for waiting in due])
        for waiting in due:
            state = states.get(waiting.workflow)
            if state is None:
                await self._queue.enqueue(waiting)
            elif state in ENDED:  # it came to its turn while the run was paused: it waits anew, under another name
                async with self._database.transaction() as connection:
                    await connection.execute(_AGAIN, {"id": waiting.batch, "seq": waiting.seq})
                await self._queue.enqueue(replace(waiting, seq=waiting.seq + 1))
