"""The engine's journal of one lease: what it writes is gathered here and goes to the control plane with the next report.

A report that was sent is kept until it was answered, so that a request which failed on its way is sent again as it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from mover.core.connector import Part
from mover.engine.journal import Attempt, KeptUpload, Key, Known, Line
from mover.engine.planned import Planned
from mover.engine.progress import Progress
from mover.runner.forms import (
    key_of,
    known_of,
    upload_of,
    wire_attempt,
    wire_key,
    wire_line,
    wire_part,
    wire_planned,
    wire_upload,
)
from mover.wire.items import WireAttempt, WireKey, WirePart, WirePlanned, WireSame, WireUpload
from mover.wire.messages import BATCH_BYTES, BATCH_ITEMS, Counts, Ended, Lease, Moving, Report, UploadNews, Verdict
from mover.wire.text import raw

MANY: Final = 5_000
"""Lines in memory from which `settled` waits, and the most that go into one report."""

SHOWN: Final = 8
"""Files on their way that a report names."""


class LeaseLost(Exception):  # not a failure of ours but a turn of events: another runner has the work now
    """Whatever is still said of this lease counts for nothing: stop at once."""


class LeaseJournal:
    """See the module. `urge` asks whoever sends reports to send one soon."""

    def __init__(self, lease: Lease, progress: Progress, urge: Callable[[], None]) -> None:
        self.lease = lease
        self._progress = progress
        self._urge = urge
        self._number = 0
        self._sent: Report | None = None
        self._answered: asyncio.Event = asyncio.Event()
        self._problem: LeaseLost | None = None
        self._lines: dict[Key, Line] = {}
        self._under_way: frozenset[Key] = frozenset()
        self._same: list[WireSame] = []
        self._same_waiting = 0
        self._seen: list[WireKey] = []
        self._attempts: list[WireAttempt] = []
        self._gathering: list[WirePlanned] = []
        self._gathered = 0
        self._offers: list[list[WirePlanned]] = []
        self._uploads = {key_of(upload): upload_of(upload) for upload in lease.uploads}
        self._kept: dict[Key, WireUpload] = {}
        self._parts: list[tuple[WireKey, WirePart]] = []
        self._forgotten: list[WireKey] = []
        self._asks: dict[Key, None] = {}
        self._known: dict[Key, Known] = {}
        self._bytes_told = 0
        self._ended: Ended | None = None
        self._told_end = False
        self.bytes_per_second: int | None = None

    # What the engine calls (`engine.journal.Journal`).

    def write(self, line: Line) -> None:
        self._lines[line.key] = line
        self._press()

    def write_same(self, files: Sequence[tuple[str, int]], detail: str) -> None:
        if files:
            self._same.append(WireSame([raw(path) for path, _ in files], [size for _, size in files], detail))
            self._same_waiting += len(files)
            self._press()

    def write_seen(self, key: Key) -> None:
        self._seen.append(wire_key(key))

    def note(self, attempt: Attempt) -> None:
        self._attempts.append(wire_attempt(attempt, time.time()))

    async def settled(self) -> None:
        while self._waiting() > MANY:
            await self._next_answer()
        self._raise_if_lost()

    async def kept(self, key: Key) -> None:
        while key in self._lines or key in self._under_way:
            await self._next_answer()

    async def flush(self) -> None:
        self._close_offer()
        while self._has_news() or self._sent is not None:
            await self._next_answer()

    async def known(self, keys: Sequence[Key]) -> dict[Key, Known]:
        if self.lease.first or not keys:
            return {}
        self._asks.update(dict.fromkeys(keys))
        while any(key in self._asks for key in keys):
            await self._next_answer()
        return {key: self._known.pop(key) for key in keys if key in self._known}

    async def upload_of(self, key: Key) -> KeptUpload | None:
        return self._uploads.get(key)

    async def keep_upload(self, key: Key, upload: KeptUpload) -> None:
        self._uploads[key] = upload
        self._kept[key] = wire_upload(key, upload)
        await self._all_told()

    async def keep_part(self, key: Key, part: Part) -> None:
        if (upload := self._uploads.get(key)) is not None:
            self._uploads[key] = KeptUpload(upload.state, upload.version, (*upload.parts, part))
        self._parts.append((wire_key(key), wire_part(part)))
        await self._all_told()

    async def forget_upload(self, key: Key) -> None:
        self._uploads.pop(key, None)
        self._kept.pop(key, None)
        self._forgotten.append(wire_key(key))

    async def uploads(self) -> list[tuple[Key, KeptUpload]]:
        return list(self._uploads.items())

    async def end_pass(self) -> None:
        await self.flush()

    # What the runner calls.

    async def offer(self, planned: Planned) -> None:
        """Give a planned file to whoever copies; batches are closed when they are full, or with `flush`."""
        size = planned.source.size or 0
        if self._gathering and (len(self._gathering) >= BATCH_ITEMS or self._gathered + size > BATCH_BYTES):
            self._close_offer()
        self._gathering.append(wire_planned(planned))
        self._gathered += size
        await self.settled()

    def end(self, ended: Ended) -> None:
        """Say how it ended; goes with the last report."""
        self._close_offer()
        self._ended = ended
        self._urge()

    @property
    def lost(self) -> bool:
        """Whether the lease is another's now."""
        return self._problem is not None

    def pace(self, bytes_per_second: int | None) -> None:
        """How fast the control plane wants it from now on; `None` is as fast as can be."""
        self.bytes_per_second = bytes_per_second

    def lose(self, reason: str) -> None:
        """The lease is another's: every call fails from now on."""
        self._problem = LeaseLost(reason)
        self._tell()

    def report(self) -> Report:
        """What is to be said now; the report before, if that was not answered."""
        if self._sent is None:
            self._number += 1
            self._sent = self._gathered_report()
        return self._sent

    def answered(self, verdict: Verdict) -> None:
        """The report was taken."""
        report, self._sent, self._under_way = self._sent, None, frozenset()
        for known in verdict.known:
            self._known[key_of(known)] = known_of(known)
        for key in report.asks if report else ():
            self._asks.pop(key_of(key), None)
        self._tell()

    @property
    def finished(self) -> bool:
        """Whether the end was told and taken."""
        return self._ended is not None and self._sent is None and not self._has_news() and self._told_end

    def _gathered_report(self) -> Report:
        lines = list(self._lines.items())[:MANY]
        for key, _ in lines:
            del self._lines[key]
        self._under_way = frozenset(key for key, _ in lines)
        same, self._same, self._same_waiting = self._same, [], 0
        seen, self._seen = self._seen, []
        attempts, self._attempts = self._attempts, []
        offers: list[list[WirePlanned]] = []
        if not self._lines:  # an offer never comes before the plan of its items
            offers, self._offers = self._offers, []
        news = UploadNews(list(self._kept.values()), self._parts, self._forgotten)
        self._kept, self._parts, self._forgotten = {}, [], []
        last = self._ended is not None and not self._lines
        self._told_end = last
        moved, self._bytes_told = self._progress.bytes_moved - self._bytes_told, self._progress.bytes_moved
        return Report(
            self.lease.batch,
            self.lease.fence,
            self._number,
            [wire_line(line) for _, line in lines],
            same,
            seen,
            attempts,
            offers,
            news,
            [wire_key(key) for key in self._asks],
            self._counts(),
            self._moving(),
            moved,
            self._ended if last else None,
        )

    def _counts(self) -> Counts:
        progress = self._progress
        items = {state.value: number for state, number in progress.items.items() if number}
        if self.lease.work == "copy":
            return Counts(items=items)
        return Counts(progress.found, progress.found_bytes, progress.folders, items)

    def _moving(self) -> list[Moving]:
        active = list(self._progress.active.values())[:SHOWN]
        return [Moving(raw(file.path), file.size, file.moved) for file in active]

    def _close_offer(self) -> None:
        if self._gathering:
            self._offers.append(self._gathering)
            self._gathering, self._gathered = [], 0

    def _waiting(self) -> int:
        return len(self._lines) + self._same_waiting + sum(map(len, self._offers))

    def _has_news(self) -> bool:
        return bool(
            self._lines
            or self._same
            or self._seen
            or self._attempts
            or self._offers
            or self._kept
            or self._parts
            or self._forgotten
        )

    def _press(self) -> None:
        if len(self._lines) + self._same_waiting >= MANY // 2:
            self._urge()

    async def _all_told(self) -> None:
        """Wait until everything up to now is durable: a report that is under way may have left without it."""
        if self._sent is not None:
            await self._next_answer()
        await self._next_answer()

    async def _next_answer(self) -> None:
        self._raise_if_lost()
        self._urge()
        answered = self._answered
        await answered.wait()
        self._raise_if_lost()

    def _raise_if_lost(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _tell(self) -> None:
        before, self._answered = self._answered, asyncio.Event()
        before.set()
