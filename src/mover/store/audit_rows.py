"""Queries of the audit log: one lock, appending in a statement, reading by keyset. All run in the caller's transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, LargeBinary, Text

from mover.store.database import Database

PAGE: Final = 1000
"""Rows that are read at once."""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the log ends: `size` entries, the `last` leaf hash (None of an empty log), and `at`, the database's time.

    `nodes` are those of the tree's frontier, largest first; None stands for one whose row is gone.
    """

    size: int
    last: bytes | None
    nodes: tuple[bytes | None, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A stored entry; `nodes` are its Merkle nodes, 32 bytes each, the leaf first."""

    index: int
    at: datetime
    line: str
    nodes: bytes


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A stored checkpoint."""

    size: int
    root: bytes
    note: str


_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0)), current_setting('transaction_isolation') AS isolation"
)

# A complete node of level b ends the tree's part of that level exactly where bit b of the size is set.
_TIP: Final = text("""
    WITH log AS (SELECT coalesce(max(index), -1) + 1 AS size FROM mover.audit_entry)
    SELECT log.size, clock_timestamp() AS at,
           (SELECT substr(e.nodes, 1, 32) FROM mover.audit_entry e WHERE e.index = log.size - 1) AS last,
           ARRAY(SELECT (SELECT substr(e.nodes, b * 32 + 1, 32) FROM mover.audit_entry e WHERE e.index = ((log.size >> b) << b) - 1)
                 FROM generate_series(62, 0, -1) b WHERE (log.size >> b) & 1 = 1 ORDER BY b DESC) AS nodes
    FROM log""")

_APPEND: Final = text("""
    INSERT INTO mover.audit_entry (index, at, line, nodes)
    SELECT * FROM unnest(:index, :at, :line, :nodes)""").bindparams(
    bindparam("index", type_=ARRAY(BigInteger)),
    bindparam("at", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("line", type_=ARRAY(Text)),
    bindparam("nodes", type_=ARRAY(LargeBinary)),
)

_READ: Final = text("""
    SELECT index, at, line, nodes FROM mover.audit_entry
    WHERE index >= :start AND index < :end ORDER BY index LIMIT :limit""")

_LOOK: Final = text("""
    SELECT index, at, line, nodes FROM mover.audit_entry
    WHERE index < :before AND (CAST(:event AS text) IS NULL OR event = :event)
      AND (CAST(:actor AS text) IS NULL OR actor = :actor) AND (CAST(:subject AS text) IS NULL OR subject = :subject)
    ORDER BY index DESC LIMIT :limit""")

_NODES: Final = text("""
    SELECT w.level, w.position, substr(e.nodes, w.level * 32 + 1, 32) AS node
    FROM unnest(CAST(:levels AS int[]), CAST(:positions AS bigint[])) AS w(level, position)
    JOIN mover.audit_entry e ON e.index = ((w.position + 1) << w.level) - 1""")

_ADD_CHECKPOINT: Final = text("INSERT INTO mover.audit_checkpoint (size, root, note) VALUES (:size, :root, :note)")
_LAST_CHECKPOINT: Final = text("SELECT size, root, note FROM mover.audit_checkpoint ORDER BY size DESC LIMIT 1")
_CHECKPOINTS: Final = text("""
    SELECT size, root, note FROM mover.audit_checkpoint WHERE size > :after ORDER BY size LIMIT :limit""")

_UNSEEN: Final = text("""
    SELECT size, root, note FROM mover.audit_checkpoint c
    WHERE size > coalesce((SELECT max(r.size) FROM mover.audit_receipt r WHERE r.witness = :witness), 0)
    ORDER BY size DESC LIMIT 1""")
_ADD_RECEIPT: Final = text("""
    INSERT INTO mover.audit_receipt (size, witness, proof, at) VALUES (:size, :witness, :proof, :at) ON CONFLICT DO NOTHING""")
_RECEIPTS: Final = text("SELECT witness, proof, at FROM mover.audit_receipt WHERE size = :size ORDER BY witness")


async def lock_appending(connection: AsyncConnection) -> str:
    """Wait until nobody else appends; held until the transaction ends. The transaction's isolation level, as PostgreSQL names it."""
    return str((await connection.execute(_LOCK, {"key": "mover.audit append"})).one().isolation)


async def lock_signing(connection: AsyncConnection) -> str:
    """The same for signing checkpoints; whoever appends is not kept waiting by it."""
    return str((await connection.execute(_LOCK, {"key": "mover.audit sign"})).one().isolation)


async def tip(connection: AsyncConnection) -> Tip:
    """Where the log ends now; at most 64 rows are read, however long it is."""
    row = (await connection.execute(_TIP)).one()
    return Tip(row.size, row.last, tuple(row.nodes), row.at)


async def append(connection: AsyncConnection, rows: Sequence[EntryRow]) -> None:
    """Put the rows at the end, in one statement; the caller holds the lock.

    Raises:
        IntegrityError: they do not begin where the log ends.
    """
    columns = {
        "index": [row.index for row in rows],
        "at": [row.at for row in rows],
        "line": [row.line for row in rows],
        "nodes": [row.nodes for row in rows],
    }
    await connection.execute(_APPEND, columns)


async def read(connection: AsyncConnection, start: int, end: int, limit: int = PAGE) -> Sequence[EntryRow]:
    """Up to `limit` entries from `start` on, and before `end`, in order."""
    rows = await connection.execute(_READ, {"start": start, "end": end, "limit": limit})
    return [_entry(row) for row in rows]


async def read_all(database: Database, end: int, page: int = PAGE) -> AsyncGenerator[Sequence[EntryRow]]:
    """Every entry whose index is below `end`, page by page, in order; whatever is there, gaps too.

    Each page has a transaction of its own: what is read never changes, and whoever takes the pages may be slow.
    """
    start = 0
    while True:
        async with database.read() as connection:
            rows = await read(connection, start, end, page)
        if not rows:
            return
        yield rows
        start = rows[-1].index + 1


async def look(
    connection: AsyncConnection,
    *,
    before: int | None = None,
    event: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
    limit: int = 100,
) -> Sequence[EntryRow]:
    """Up to `limit` entries below index `before`, the newest first; of one event, actor (its id) or subject (its id) if these are given."""
    wanted = {
        "before": 2**62 if before is None else before,
        "event": event,
        "actor": actor,
        "subject": subject,
        "limit": limit,
    }
    return [_entry(row) for row in await connection.execute(_LOOK, wanted)]


async def nodes(connection: AsyncConnection, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Complete Merkle nodes by (level, position). One that the log does not have is left out."""
    wanted = list(places)
    asked = {"levels": [level for level, _ in wanted], "positions": [position for _, position in wanted]}
    return {(row.level, row.position): row.node for row in await connection.execute(_NODES, asked)}


async def add_checkpoint(connection: AsyncConnection, row: CheckpointRow) -> None:
    """Keep a signed checkpoint.

    Raises:
        IntegrityError: there is one of that size.
    """
    await connection.execute(_ADD_CHECKPOINT, {"size": row.size, "root": row.root, "note": row.note})


async def last_checkpoint(connection: AsyncConnection) -> CheckpointRow | None:
    """The checkpoint of the most entries."""
    return _checkpoint((await connection.execute(_LAST_CHECKPOINT)).one_or_none())


async def checkpoints(connection: AsyncConnection, after: int = 0, limit: int = PAGE) -> Sequence[CheckpointRow]:
    """Up to `limit` checkpoints of more than `after` entries, the smallest first."""
    rows = await connection.execute(_CHECKPOINTS, {"after": after, "limit": limit})
    return [CheckpointRow(row.size, row.root, row.note) for row in rows]


async def unseen_checkpoint(connection: AsyncConnection, witness: str) -> CheckpointRow | None:
    """The newest checkpoint that `witness` has no receipt for, if it is newer than every one that it has."""
    return _checkpoint((await connection.execute(_UNSEEN, {"witness": witness})).one_or_none())


async def add_receipt(connection: AsyncConnection, size: int, witness: str, proof: bytes, at: datetime) -> None:
    """A witness has the checkpoint of that size since `at`; the first word counts."""
    await connection.execute(_ADD_RECEIPT, {"size": size, "witness": witness, "proof": proof, "at": at})


async def receipts(connection: AsyncConnection, size: int) -> Sequence[tuple[str, bytes, datetime]]:
    """Who has the checkpoint of that size: (witness, proof, since when)."""
    return [(row.witness, row.proof, row.at) for row in await connection.execute(_RECEIPTS, {"size": size})]


def _entry(row: Row[Any]) -> EntryRow:
    return EntryRow(row[0], row.at, row.line, row.nodes)  # `row.index` is a method of every tuple


def _checkpoint(row: Row[Any] | None) -> CheckpointRow | None:
    return None if row is None else CheckpointRow(row.size, row.root, row.note)
