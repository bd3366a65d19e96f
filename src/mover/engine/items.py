"""What the small and the large files' ways share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from mover.core.connector import Describes, Finds
from mover.core.errors import MoverError
from mover.core.model import Attributes, Entry
from mover.core.spec import Cap
from mover.engine.journal import Attempt, Journal
from mover.engine.planned import Planned
from mover.engine.progress import Progress
from mover.engine.side import Side


class Attempts:
    """Counts and journals the failed attempts at one file."""

    def __init__(self, journal: Journal, planned: Planned, progress: Progress) -> None:
        self._journal = journal
        self._key = planned.key
        self._progress = progress
        self.failed = 0

    def __call__(self, problem: MoverError) -> None:
        self.failed += 1
        self._progress.attempts_failed += 1
        self._journal.note(Attempt(*self._key, problem.code, problem.detail))


@dataclass(slots=True)
class Reading:
    """A source item as last seen; it may change under our hands."""

    entry: Entry


def attributes_of(entry: Entry, mark: str | None) -> Attributes:
    """What is to be kept beside the bytes. Where nobody knows when a file was changed, when it was stored is the best there is.

    `mark` is the pass's, for the file's name until it is whole.
    """
    return Attributes(entry.modified or entry.stored, entry.content_type, entry.metadata, mark)


def context_of(run: str, planned: Planned) -> bytes:
    """What a spooled file is bound to, so that it cannot be taken for another: run, item, version."""
    entry = planned.source
    return f"{run}|{planned.path}|{planned.key[1]}|{entry.version or entry.modified}".encode("utf-8", "surrogateescape")


def merged(listed: Entry, read: Entry, size: int | None) -> Entry:
    """What the listing and the reading told together; the reading is the fresher."""
    complete = read.modified is not None or (listed.modified is None and listed.stored is None)
    if complete and read.size == size and (read.digests or not listed.digests):
        return read
    return replace(
        read,
        size=size,
        modified=read.modified or listed.modified,
        stored=read.stored or listed.stored,
        digests=read.digests or (listed.digests if read.version == listed.version else ()),
    )


async def fresh(source: Side, entry: Entry) -> Entry:
    """The item as it is now, if the source can tell; else without what may no longer hold."""
    if source.can(Cap.DESCRIBE):
        return await cast("Describes", source.connector).describe(entry)
    if source.can(Cap.FIND):
        return replace(await cast("Finds", source.connector).find(entry.id), name=entry.name)
    return replace(entry, version=None, digests=())
