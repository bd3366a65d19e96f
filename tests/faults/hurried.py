"""A clock for tests with real servers: waiting takes a moment, and what was asked for is written down."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

MOMENT: Final = 0.002
"""Seconds that any wait really takes."""


class Hurried:
    """Real time, but whoever waits makes it jump to when they are due."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        due = self.monotonic() + seconds
        await asyncio.sleep(min(max(seconds, 0.0), MOMENT))
        self._ahead += max(0.0, due - self.monotonic())
