"""Time, as something that is handed in: nothing in the engine reads the machine's clock behind a caller's back."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, and how to wait."""

    def now(self) -> datetime:
        """The time of day: aware, UTC. It may jump; never measure with it."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment of no meaning. It never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds by `monotonic`. Nothing to wait for (0 or less) still lets other tasks run."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
