"""Large files: fetched in ranges, sent in parts or as one stream, through a window of the spool, both at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar, cast

from mover.core.connector import Describes, WritesParts
from mover.core.errors import Changed, Damaged, LinkError, MoverError
from mover.core.model import Digest, Entry
from mover.core.spec import Cap
from mover.engine.fetch import Fetch
from mover.engine.items import Reading, attributes_of, context_of, fresh, merged
from mover.engine.journal import Journal, Proof
from mover.engine.landing import Landing
from mover.engine.parts import SEGMENT_BYTES, PartedUpload, Target
from mover.engine.planned import Planned
from mover.engine.progress import Active, Progress
from mover.engine.settings import RunSettings
from mover.engine.side import LinkLost, Note, Side, first_of
from mover.engine.verify import comparable, needed, read_digests
from mover.net.pace import Bandwidth
from mover.spool.errors import SpoolGone
from mover.spool.spool import Spool

T = TypeVar("T")

WHOLE_ATTEMPTS: Final = 3
"""How often a large file begins anew, when trying again in the small did not help."""

WINDOW: Final = 64
"""Segments of 1 MiB that one large file may hold in the spool."""


LEAD: Final = 8
"""Segments that a file too long to be kept whole may be ahead of its sender; more would have to come back from the disk."""


class FetchFailed(Exception):  # carries the fetch's failure past the destination's patience
    """The source failed while the destination was being written."""


class LargeFiles:
    """Copies large files; see the module."""

    def __init__(
        self,
        source: Side,
        destination: Side,
        spool: Spool,
        journal: Journal,
        settings: RunSettings,
        bandwidth: Bandwidth,
        run: str,
        mark: str | None,
    ) -> None:
        self._source = source
        self._destination = destination
        self._spool = spool
        self._journal = journal
        self._settings = settings
        self._bandwidth = bandwidth
        self._run = run
        self._mark = mark

    async def copy(self, planned: Planned, note: Note, active: Active, progress: Progress) -> tuple[Entry, Proof]:
        """Copy one large file. Returns the source's entry as it was read, and the proof.

        Raises:
            MoverError: it failed for good.
            LinkLost: one of the connections is gone. Parts that the destination has are gone on with in the next pass.
        """
        reading = Reading(await self._told(planned.source, note))
        for attempt in range(WHOLE_ATTEMPTS):
            active.moved = 0
            fetch = Fetch(self._source, self._settings, self._bandwidth, progress, active, note)
            try:
                return await self._once(planned, reading, fetch, note)
            except (SpoolGone, Changed, Damaged) as problem:
                if attempt == WHOLE_ATTEMPTS - 1:
                    raise
                note(problem)
                if isinstance(problem, Changed):
                    reading.entry = await fresh(self._source, reading.entry)
        raise RuntimeError("not reached: the last attempt returns or raises")

    async def _told(self, entry: Entry, note: Note) -> Entry:
        """With what a bucket's listing left out: its time and metadata go with the beginning of an upload, before a byte is read."""
        if not self._source.can(Cap.DESCRIBE):
            return entry
        connector = cast("Describes", self._source.connector)
        told = await self._source.call(lambda: connector.describe(entry), note)
        return merged(entry, told, entry.size) if told.version == entry.version else told

    async def _once(self, planned: Planned, reading: Reading, fetch: Fetch, note: Note) -> tuple[Entry, Proof]:
        size = reading.entry.size
        if size is not None and self._destination.can(Cap.PARTS):
            connector = cast("WritesParts", self._destination.connector)
            if connector.part_size(size) is not None:
                return await self._in_parts(planned, reading, size, fetch, note)
        return await self._as_stream(planned, reading, fetch, note)

    async def _as_stream(self, planned: Planned, reading: Reading, fetch: Fetch, note: Note) -> tuple[Entry, Proof]:
        size = reading.entry.size
        algorithms = needed(reading.entry, self._destination, size, self._settings.verify)
        folder = await planned.folder.ensure()
        landing = Landing(self._destination, self._settings.verify)
        kept_whole = size is not None and size <= WINDOW * SEGMENT_BYTES
        window = None if kept_whole else min(LEAD, self._spool.window)
        async with await self._spool.room(context_of(self._run, planned), size, algorithms, window=window) as room:

            async def send() -> Proof:
                body = fetch.body(room)
                try:
                    attributes = attributes_of(reading.entry, self._mark)
                    written = await self._destination.connector.write(folder, planned.name, body, attributes)
                except MoverError as problem:
                    if fetch.failed is not None:
                        raise FetchFailed from problem
                    raise
                return await landing.proved(written, room.size or 0, room.digests)

            try:
                proof = await _both(fetch, fetch.fill(room, reading, 0), lambda: self._destination.call(send, note))
            except MoverError:
                await landing.clear()
                raise
            return replace(reading.entry, size=room.size), proof

    async def _in_parts(
        self, planned: Planned, reading: Reading, size: int, fetch: Fetch, note: Note
    ) -> tuple[Entry, Proof]:
        folder = await planned.folder.ensure()
        upload = PartedUpload(self._destination, self._journal, planned, _version(reading.entry), note)
        try:
            start = await upload.open(Target(folder, planned.name, size, attributes_of(reading.entry, self._mark)))
            algorithms = needed(reading.entry, self._destination, size, self._settings.verify) if start == 0 else ()
            room = await self._spool.room(
                context_of(self._run, planned),
                size - start,
                algorithms,
                window=_least(upload.window(min(WINDOW, self._spool.most)), size - start),
            )
            async with room:
                await _both(fetch, fetch.fill(room, reading, start), lambda: _alone(upload.send(room, start), fetch))
            written = await upload.finish()
        except LinkError:
            raise  # what the destination has is gone on with in the next pass
        except MoverError:
            with suppress(MoverError):
                await upload.abandon()
            raise
        digests = room.digests if start == 0 else await self._read_again(reading.entry, written, note)
        return reading.entry, await self._proof_of_parts(written, size, digests)

    async def _read_again(self, entry: Entry, written: Entry, note: Note) -> tuple[Digest, ...]:
        """What to hold a resumed upload to: its beginning was sent by a process whose digests died with it."""
        if self._settings.verify == "none" or written.digest("md5-of-parts") is not None:
            return ()
        algorithms = (comparable(written),)
        return await self._source.call(lambda: read_digests(self._source, entry, entry.size, algorithms), note)

    async def _proof_of_parts(self, written: Entry, size: int, digests: tuple[Digest, ...]) -> Proof:
        """A provider that tells a digest of all parts has confirmed them together; else it is as with any other file."""
        told = written.digest("md5-of-parts")
        common = any(written.digest(d.algorithm) for d in digests)
        if not common and self._settings.verify != "none" and told is not None:
            if written.size is not None and written.size != size:
                raise Damaged(f"{size} bytes were sent, but the destination has {written.size}", item=written.name)
            return Proof("parts", told.algorithm, None, told.hex)
        landing = Landing(self._destination, self._settings.verify)
        try:
            return await self._destination.call(lambda: landing.proved(written, size, digests))
        except MoverError:
            await landing.clear()
            raise


async def _both(fetch: Fetch, fill: Awaitable[None], send: Callable[[], Awaitable[T]]) -> T:
    """Fetch and send at the same time. If the fetch fails, its failure is what comes out, whatever that did to the sending."""
    filling = asyncio.ensure_future(fill)
    try:
        sent = await send()
        await filling
    except (FetchFailed, MoverError):
        if fetch.failed is not None:
            raise fetch.failed from None
        raise
    finally:
        filling.cancel()
        await asyncio.wait([filling])
        if not filling.cancelled() and (fault := filling.exception()) is not None:
            raise fault
    if fetch.failed is not None:
        raise fetch.failed
    return sent


async def _alone(work: Awaitable[None], fetch: Fetch) -> None:
    """Unwrap what a group of senders raised to the one failure that matters."""
    try:
        await work
    except BaseExceptionGroup as group:
        if fetch.failed is not None:
            raise FetchFailed from group
        lost = first_of(group, LinkLost)
        raise (lost if isinstance(lost, LinkLost) else first_of(group, MoverError)) from None


def _least(window: int, size: int) -> int:
    return max(1, min(window, size // (1 << 20) + 2))


def _version(entry: Entry) -> str:
    modified = None if entry.modified is None else entry.modified.timestamp()
    return f"{entry.version}|{entry.size}|{modified}"
