"""Runs: begun, steered, ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Text

from mover.store.items import Counts

_BEGIN: Final = text("""
    INSERT INTO mover.run (migration, owner, number, state, dry_run, bytes_per_second)
    SELECT m.id, m.owner, coalesce((SELECT max(number) FROM mover.run WHERE migration = m.id), 0) + 1, 'running', :dry_run, :pace
    FROM mover.migration m WHERE m.id = :migration
    RETURNING id, number""").bindparams(bindparam("pace", type_=BigInteger))

_COLUMNS: Final = (
    "id, migration, owner, number, state, dry_run, bytes_per_second, asked, ended, code, reason, advice, totals"
)
_GET: Final = text(f"SELECT {_COLUMNS} FROM mover.run WHERE id = :id")  # noqa: S608  # a constant
_PAGE: Final = text(f"""
    SELECT {_COLUMNS} FROM mover.run WHERE migration = :migration AND id > :after ORDER BY id LIMIT :most""")  # noqa: S608  # a constant

_MOVE: Final = text("""
    UPDATE mover.run SET state = :state, code = :code, reason = :reason, advice = :advice,
        ended = CASE WHEN :state IN ('done', 'failed', 'stopped') THEN now() END
    WHERE id = :id AND state = ANY(CAST(:before AS text[]))""").bindparams(
    bindparam("code", type_=Text), bindparam("reason", type_=Text), bindparam("advice", type_=Text)
)

_LIVE: Final = text("""
    SELECT work, count(*) AS batches, count(*) FILTER (WHERE state = 'done') AS done, coalesce(sum(bytes_moved), 0)::bigint AS moved,
           coalesce(sum((counts ->> 'found')::bigint), 0)::bigint AS found,
           coalesce(sum((counts ->> 'found_bytes')::bigint), 0)::bigint AS found_bytes
    FROM mover.batch WHERE run = :run GROUP BY work""")

_TALLY: Final = text("""
    SELECT t.key AS state, sum((t.value ->> 0)::bigint)::bigint AS items, sum((t.value ->> 1)::bigint)::bigint AS bytes
    FROM mover.batch b, jsonb_each(coalesce(b.counts -> 'items', '{}')) t
    WHERE b.run = :run GROUP BY t.key""")


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands. `totals` are items and bytes by state, counted at its end; `None` while it goes on."""

    id: int
    migration: int
    owner: int
    number: int
    state: str
    dry_run: bool
    bytes_per_second: int | None
    asked: datetime
    ended: datetime | None
    code: str | None
    reason: str | None
    advice: str | None
    totals: dict[str, list[int]] | None


async def begin(
    connection: AsyncConnection, migration: int, *, dry_run: bool, bytes_per_second: int | None
) -> tuple[int, int]:
    """Begin a run; answers its id and its number in the migration.

    Raises:
        sqlalchemy.exc.IntegrityError: one is under way.
    """
    row = (
        await connection.execute(_BEGIN, {"migration": migration, "dry_run": dry_run, "pace": bytes_per_second})
    ).one()
    return row.id, row.number


async def get(connection: AsyncConnection, run: int, *, lock: bool = False) -> Run | None:
    """The run; with `lock` nobody else changes it before the transaction ends."""
    query = text(f"{_GET.text} FOR UPDATE") if lock else _GET
    row = (await connection.execute(query, {"id": run})).one_or_none()
    return None if row is None else Run(*row)


async def of_migration(connection: AsyncConnection, migration: int, *, after: int, most: int) -> list[Run]:
    """Runs of a migration whose ids are above `after`."""
    rows = await connection.execute(_PAGE, {"migration": migration, "after": after, "most": most})
    return [Run(*row) for row in rows]


async def move(
    connection: AsyncConnection,
    run: int,
    state: str,
    *before: str,
    code: str | None = None,
    reason: str | None = None,
    advice: str | None = None,
) -> bool:
    """Bring the run into a state from one of those before it; `False` if it is in another."""
    given = {"id": run, "state": state, "before": list(before), "code": code, "reason": reason, "advice": advice}
    return (await connection.execute(_MOVE, given)).rowcount == 1


async def keep_totals(connection: AsyncConnection, run: int, counts: Counts) -> None:
    """Keep what was counted at the end."""
    query = text("UPDATE mover.run SET totals = CAST(:totals AS jsonb) WHERE id = :id")
    await connection.execute(query, {"id": run, "totals": json.dumps(counts)})


async def live(connection: AsyncConnection, run: int) -> Mapping[str, Any]:
    """Where a run stands by its batches: `scan` and `copy` (batches, done, moved, found, found_bytes)."""
    return {row.work: row for row in await connection.execute(_LIVE, {"run": run})}


async def tally(connection: AsyncConnection, run: int) -> Counts:
    """Items and bytes by state as the batches told so far."""
    return {row.state: (row.items, row.bytes) for row in await connection.execute(_TALLY, {"run": run})}


async def under_way(connection: AsyncConnection) -> list[int]:
    """The runs that have not come to rest."""
    query = text("SELECT id FROM mover.run WHERE state IN ('running', 'pausing', 'stopping') ORDER BY id")
    return list((await connection.execute(query)).scalars())
