"""Where a runner's leases lie: their reports leave together, one request after the other, and the answers are handed back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from mover.core.clock import Clock
from mover.core.errors import MoverError, Retry
from mover.engine.control import Control
from mover.runner.control_plane import ControlPlane
from mover.runner.lease_journal import LeaseJournal
from mover.wire.messages import BEAT, LEASE, JournalRequest, Verdict

GIVEN_UP: Final = LEASE * 0.75
"""Seconds without an answer after which a lease counts as gone: another runner may have it soon."""

PAUSE: Final = 0.05
"""Seconds between two requests, so that each says more than a little. A scan of what was copied before waits for answers."""

_AGAIN: Final = 1.0


class Held:
    """A lease in work: its journal, how it is steered, and how its work is ended at once."""

    def __init__(self, journal: LeaseJournal, control: Control, end_now: Callable[[], None]) -> None:
        self.journal = journal
        self.control = control
        self.end_now = end_now
        self.heard = 0.0


class Desk:
    """See the module. `forever` must run while there are leases."""

    def __init__(self, plane: ControlPlane, clock: Clock) -> None:
        self._plane = plane
        self._clock = clock
        self._held: dict[int, Held] = {}
        self._urged = asyncio.Event()
        self._left = asyncio.Event()

    @property
    def leases(self) -> int:
        """How many there are."""
        return len(self._held)

    def urge(self) -> None:
        """Something waits to be told."""
        self._urged.set()

    def take(self, held: Held) -> None:
        """Put a lease on the desk. One of the same batch that lies there still had run out: this runner got it once more."""
        if (before := self._held.get(held.journal.lease.batch)) is not None:
            self._lost(before, "it was leased anew")
        held.heard = self._clock.monotonic()
        self._held[held.journal.lease.batch] = held
        self.urge()

    async def put_away(self, held: Held) -> None:
        """Wait until the lease's end was told, or it is lost."""
        batch = held.journal.lease.batch
        while self._held.get(batch) is held:
            self.urge()
            await self._left.wait()

    async def forever(self) -> None:
        """Report until cancelled."""
        while True:  # until cancelled
            try:
                async with asyncio.timeout(BEAT):
                    await self._urged.wait()
            except TimeoutError:
                pass
            self._urged.clear()
            if self._held:
                await self._report()
            await asyncio.sleep(PAUSE)

    async def _report(self) -> None:
        held = dict(self._held)
        try:
            async with asyncio.timeout(GIVEN_UP):
                answer = await self._plane.journal(JournalRequest([h.journal.report() for h in held.values()]))
        except TimeoutError:
            self._unheard(held, "the control plane did not answer")
        except MoverError as problem:
            if problem.retry is Retry.NEVER:
                for one in held.values():
                    self._lost(one, problem.detail)
                return
            self._unheard(held, problem.detail)
            await asyncio.sleep(_AGAIN)
        else:
            for verdict in answer.verdicts:
                if (one := held.get(verdict.batch)) is not None:
                    self._hear(one, verdict)

    def _hear(self, held: Held, verdict: Verdict) -> None:
        if verdict.state == "lost":
            self._lost(held, "another runner has it now")
            return
        held.heard = self._clock.monotonic()
        held.journal.answered(verdict)
        if held.journal.finished:
            self._remove(held)
        elif verdict.state == "pause":
            held.control.pause("paused by the control plane")
        elif verdict.state == "stop":
            held.control.pause("stopped by the control plane")
            held.end_now()
        else:
            held.journal.pace(verdict.bytes_per_second)

    def _unheard(self, held: dict[int, Held], reason: str) -> None:
        self._urged.set()
        for one in held.values():
            if self._clock.monotonic() - one.heard > GIVEN_UP:
                self._lost(one, reason)

    def _lost(self, held: Held, reason: str) -> None:
        held.journal.lose(reason)
        held.end_now()
        self._remove(held)

    def _remove(self, held: Held) -> None:
        self._held.pop(held.journal.lease.batch, None)
        before, self._left = self._left, asyncio.Event()
        before.set()
