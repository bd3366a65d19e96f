"""A runner: asks for work, does it, tells how it went, until it is told to stop."""

from __future__ import annotations

import asyncio
from typing import Final

from mover.core.clock import Clock
from mover.core.errors import MoverError, Retry
from mover.engine.control import Control
from mover.engine.progress import Progress
from mover.runner.control_plane import ControlPlane
from mover.runner.desk import Desk, Held
from mover.runner.lease_journal import LeaseJournal, LeaseLost
from mover.runner.lease_work import LeaseWork
from mover.runner.open_ends import OpenEnds
from mover.spool.spool import Spool
from mover.wire.messages import WAIT, Ended, Lease, LeaseRequest

SCANS: Final = 2
COPIES: Final = 4
"""Leases of each kind that a runner works on at once, if nothing else is said."""

_AGAIN: Final = 2.0
"""Seconds after which a control plane that is away is asked again."""


class Runner:
    """See the module."""

    def __init__(self, plane: ControlPlane, box_key: bytes, spool: Spool, clock: Clock) -> None:
        self.scans = SCANS
        self.copies = COPIES
        self._plane = plane
        self._clock = clock
        self._ends = OpenEnds(clock)
        self._work = LeaseWork(box_key, spool, self._ends)
        self._desk = Desk(plane, clock)
        self._tasks: dict[asyncio.Task[None], tuple[str, Control]] = {}
        self._room = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the files in hand, give the rest back, and let `run` return."""
        self._stopping.set()
        for _, control in self._tasks.values():
            control.pause("the runner stops")

    async def run(self) -> None:
        """Work until `stop`.

        Raises:
            MoverError: the control plane refuses this runner for good.
        """
        reporting = asyncio.create_task(self._desk.forever())
        try:
            await self._take_leases()
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            reporting.cancel()
            await asyncio.gather(reporting, *self._tasks, return_exceptions=True)
            await self._ends.tidy(everything=True)

    async def _take_leases(self) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                asking = asyncio.create_task(self._ask())
                await asyncio.wait([asking, stopping], return_when=asyncio.FIRST_COMPLETED)
                if not asking.done():
                    asking.cancel()
                    await asyncio.gather(asking, return_exceptions=True)
                    return
                for lease in asking.result():
                    self._begin(lease)
                await self._ends.tidy()
        finally:
            stopping.cancel()

    async def _ask(self) -> list[Lease]:
        """Some work, as soon as there is room for it."""
        while not (room := self._free()):
            self._room.clear()
            await self._room.wait()
        try:
            answer = await self._plane.lease(LeaseRequest(room.get("scan", 0), room.get("copy", 0), WAIT))
        except MoverError as problem:
            if problem.retry is Retry.NEVER:
                raise
            await asyncio.sleep(_AGAIN)
            return []
        return answer.leases

    def _free(self) -> dict[str, int]:
        copies = [work for work, _ in self._tasks.values()].count("copy")
        room = {"scan": self.scans - (len(self._tasks) - copies), "copy": self.copies - copies}
        return {work: number for work, number in room.items() if number > 0}

    def _begin(self, lease: Lease) -> None:
        control = Control()
        task = asyncio.create_task(self._one(lease, control))
        self._tasks[task] = (lease.work, control)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._room.set()
        if not task.cancelled():
            task.exception()  # `_one` told it already

    async def _one(self, lease: Lease, control: Control) -> None:
        progress = Progress()
        journal = LeaseJournal(lease, progress, self._desk.urge)
        working = asyncio.create_task(self._work(journal, control, progress))
        held = Held(journal, control, lambda: _cancel(working))
        self._desk.take(held)
        try:
            ended = await working
        except LeaseLost:
            return
        except asyncio.CancelledError:
            if not working.cancelled():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                raise
            ended = Ended("given-up", detail="ended at once")
        except Exception as problem:
            journal.end(Ended("failed", "internal", type(problem).__name__, MoverError.advice))
            await self._desk.put_away(held)
            raise
        if not journal.lost:
            journal.end(ended)
            await self._desk.put_away(held)


def _cancel(task: asyncio.Task[Ended]) -> None:
    task.cancel()
