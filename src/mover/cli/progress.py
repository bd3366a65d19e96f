"""What goes on, on standard error: a live block on a terminal, one line every 30 s elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from mover.cli.output import safe, say, size_text
from mover.core.clock import Clock, SystemClock
from mover.core.states import State
from mover.engine.progress import Progress

if TYPE_CHECKING:
    from rich.live import Live

LINE_EVERY: Final = 30.0
"""Seconds between two lines where there is no terminal."""

MEAN_OVER: Final = 30.0
"""Seconds over which the rate is a mean."""

BUSIEST: Final = 8
_LOOK_EVERY: Final = 0.25


class Rate:
    """Bytes a second, as a mean over the last while."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, now: float, moved: int) -> float:
        """The rate now that `moved` bytes have come in all."""
        self._seen.append((now, moved))
        while len(self._seen) > 2 and now - self._seen[0][0] > MEAN_OVER:  # noqa: PLR2004  # a rate needs two points
            self._seen.popleft()
        then, before = self._seen[0]
        return (moved - before) / (now - then) if now > then else 0.0


class Display:
    """Shows a run's progress until the block ends."""

    def __init__(self, progress: Progress, *, wanted: bool, clock: Clock | None = None) -> None:
        self._progress = progress
        self._clock = clock or SystemClock()
        self._wanted = wanted
        self._rate = Rate()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._wanted:
            self._task = asyncio.create_task(self._live() if sys.stderr.isatty() else self._lines())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _lines(self) -> None:
        since = self._clock.monotonic()
        while True:  # until the block ends
            await self._clock.sleep(_LOOK_EVERY)
            now = self._clock.monotonic()
            rate = self._rate.at(now, self._progress.bytes_moved)
            if now - since >= LINE_EVERY:
                since = now
                say(line_of(self._progress, rate))

    async def _live(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
            while True:  # until the block ends
                self._show(live)
                await self._clock.sleep(_LOOK_EVERY)

    def _show(self, live: Live) -> None:
        from rich.text import Text

        rate = self._rate.at(self._clock.monotonic(), self._progress.bytes_moved)
        live.update(Text("\n".join([line_of(self._progress, rate), *_busiest(self._progress)])), refresh=True)


def line_of(progress: Progress, rate: float) -> str:
    """Everything that counts, in one line."""
    total = f"{progress.found:,}" + ("" if progress.scanned else "+")
    done = progress.copied_bytes + sum(min(a.moved, a.size or a.moved) for a in progress.active.values())
    left = progress.planned_bytes - done
    parts = [
        f"{progress.settled:,} of {total} items",
        f"{size_text(min(done, progress.planned_bytes))} of {size_text(progress.planned_bytes)}",
        f"{size_text(rate)}/s",
    ]
    if progress.scanned and rate > 0 and left > 0:
        parts.append(f"about {duration(left / rate)} left")
    if failed := progress.items[State.FAILED]:
        parts.append(f"{failed:,} failed")
    if progress.waiting:
        parts.append(safe(progress.waiting))
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:  # noqa: PLR2004  # below, minutes say too little
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004


def _busiest(progress: Progress) -> list[str]:
    active = sorted(progress.active.values(), key=lambda a: a.size or 0, reverse=True)[:BUSIEST]
    return [f"  {_share(a.moved, a.size):>5}  {size_text(a.size):>10}  {safe(a.path)}" for a in active]


def _share(moved: int, size: int | None) -> str:
    return f"{min(100, 100 * moved // size)} %" if size else "-"
