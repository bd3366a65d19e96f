"""Checks a whole log: an export, for which no database, network or secret is needed, or the database itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO, Final

from mover.audit.checker import Checker
from mover.audit.checkpoint import Checkpoint, LogKeys, open_checkpoint
from mover.audit.entry import written_time
from mover.audit.findings import Finding, Verdict, Wrong
from mover.audit.merkle import EMPTY
from mover.core.errors import CheckpointRefused, WitnessFailed
from mover.store import audit_rows
from mover.store.audit_rows import CheckpointRow, EntryRow
from mover.store.database import Database

LONGEST_LINE: Final = 64 * 1024
"""Bytes; an entry is far shorter, so what is longer is none."""


def verify_export(path: Path, notes: Iterable[str], log: LogKeys) -> Verdict:
    """Check the JSON Lines file at `path` against signed checkpoints (`witness.kept_notes`) of `log`.

    Raises:
        WitnessFailed: the file cannot be read.
    """
    opened = _opened(notes, log)
    if isinstance(opened, Finding):
        return _unread(opened)
    checker = Checker(opened)
    try:
        with path.open("rb") as file:
            _feed(checker, file)
    except OSError as error:
        raise WitnessFailed(f"{path}: {error.strerror}", advice="Give the file with the exported log.") from error
    return checker.verdict()


async def verify_database(database: Database, notes: Iterable[str], log: LogKeys) -> Verdict:
    """Check the log in the database, and what is stored beside it, against the database's own checkpoints and the kept `notes`.

    Without kept notes this tells less: whoever can write to the database as its superuser can remove checkpoints from it too.

    Raises:
        DatabaseFailed: the database cannot be read.
    """
    stored = await _stored(database)
    opened = _opened([*notes, *(row.note for row in stored)], log)
    if isinstance(opened, Finding):
        return _unread(opened)
    for row in stored:
        if open_checkpoint(row.note, log) != Checkpoint(log.origin, row.size, row.root):
            what = f"The row of the checkpoint of {row.size} entries does not say what was signed."
            return _unread(Finding(Wrong.CHECKPOINT, None, what))
    async with database.read() as connection:
        size = (await audit_rows.tip(connection)).size
    checker = Checker(opened)
    async with aclosing(audit_rows.read_all(database, size)) as pages:
        async for page in pages:
            for row in page:
                _feed_row(checker, row)
            if checker.done:
                break
    return checker.verdict()


async def _stored(database: Database) -> list[CheckpointRow]:
    found = list[CheckpointRow]()
    while True:
        async with database.read() as connection:
            rows = await audit_rows.checkpoints(connection, found[-1].size if found else 0)
        if not rows:
            return found
        found.extend(rows)


def _opened(notes: Iterable[str], log: LogKeys) -> Sequence[Checkpoint] | Finding:
    """Every different checkpoint, or what is wrong with the first one that is not to be believed."""
    found = set[Checkpoint]()
    for number, note in enumerate(notes, 1):
        try:
            found.add(open_checkpoint(note, log))
        except CheckpointRefused as error:
            return Finding(Wrong.CHECKPOINT, None, f"Checkpoint {number} is not to be believed: {error.detail}.")
    return sorted(found, key=lambda each: each.size)


def _unread(finding: Finding) -> Verdict:
    return Verdict(0, 0, 0, EMPTY, finding)


def _feed(checker: Checker, file: BinaryIO) -> None:
    while not checker.done and (line := file.readline(LONGEST_LINE)):
        # A line without its end was cut, even if what is left can be read.
        checker.take(line[:-1] if line.endswith(b"\n") else b"")


def _feed_row(checker: Checker, row: EntryRow) -> None:
    head = checker.take(row.line.encode(), row.nodes)
    if head is not None and head.at != written_time(row.at):
        checker.beside(row.index, f"The time that is stored beside entry {row.index} is not the entry's own.")
