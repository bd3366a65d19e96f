"""A clock that tests turn: waiting takes no time, and yet happens in the right order."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

SETTLE = 25
"""Rounds of the event loop in which everybody who can still run does so, before time moves on."""


class VirtualClock:
    """Time stands still until all who run here wait for it; then it jumps to the next one who is due.

    The order depends on nothing but the order of calls. It knows only those who wait by `sleep`: in a test with real
    sockets time passes while bytes are still on their way.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.start = start
        self.elapsed = 0.0
        self.slept: list[float] = []
        self._due: list[tuple[float, int]] = []
        self._order = count()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        mine = (self.elapsed + max(seconds, 0.0), next(self._order))
        heapq.heappush(self._due, mine)
        try:
            while True:
                for _ in range(SETTLE):
                    await asyncio.sleep(0)
                if self._due[0] == mine:
                    self.elapsed = max(self.elapsed, mine[0])
                    return
        finally:
            self._due.remove(mine)
            heapq.heapify(self._due)

    def pass_time(self, seconds: float) -> None:
        """Let time pass while nobody waits."""
        self.elapsed += seconds
