"""Migrations and their pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.store import items


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration: what is copied by its runs."""

    id: int
    owner: int
    name: str
    source: int
    destination: int
    settings: dict[str, Any]
    filters: dict[str, Any]
    created: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A folder of the source, and where it goes."""

    id: int
    source_path: str
    destination_path: str


_COLUMNS: Final = "id, owner, name, source, destination, settings, filters, created"
_ADD: Final = text(f"""
    INSERT INTO mover.migration (owner, name, source, destination, settings, filters)
    VALUES (:owner, :name, :source, :destination, CAST(:settings AS jsonb), CAST(:filters AS jsonb))
    RETURNING {_COLUMNS}""")  # noqa: S608  # a constant
_GET: Final = text(f"SELECT {_COLUMNS} FROM mover.migration WHERE id = :id")  # noqa: S608  # a constant
_PAGE: Final = text(f"""
    SELECT {_COLUMNS} FROM mover.migration
    WHERE (owner = :owner OR :everybody) AND id > :after ORDER BY id LIMIT :most""")  # noqa: S608  # a constant
_ADD_PAIRS: Final = text("""
    INSERT INTO mover.pair (migration, source_path, destination_path, mark)
    SELECT :migration, u.source, u.destination, u.mark
    FROM unnest(CAST(:sources AS text[]), CAST(:destinations AS text[]), CAST(:marks AS text[])) WITH ORDINALITY
         AS u (source, destination, mark, place) ORDER BY u.place""")
_PAIRS: Final = text("""
    SELECT id, source_path, destination_path FROM mover.pair WHERE migration = :migration AND id > :after ORDER BY id LIMIT :most""")
_SCANS: Final = text("""
    INSERT INTO mover.batch (run, pair, migration, owner, work, pools)
    SELECT r.id, p.id, r.migration, r.owner, 'scan',
           (SELECT coalesce(jsonb_agg(DISTINCT c.pool), '[]') FROM mover.connection c
            WHERE c.id IN (m.source, m.destination) AND c.pool IS NOT NULL)
    FROM mover.run r JOIN mover.migration m ON m.id = r.migration JOIN mover.pair p ON p.migration = m.id
    WHERE r.id = :run ORDER BY p.id""")


async def add(
    connection: AsyncConnection,
    owner: int,
    name: str,
    *,
    source: int,
    destination: int,
    settings: Mapping[str, Any],
    filters: Mapping[str, Any],
) -> Migration:
    """Keep a new one, with room for its items. Raises `RowConflict` if the owner has one of that name."""
    given = {"owner": owner, "name": name, "source": source, "destination": destination}
    texts = {"settings": json.dumps(settings), "filters": json.dumps(filters)}
    made = Migration(*(await connection.execute(_ADD, {**given, **texts})).one())
    await items.add_partition(connection, made.id)
    return made


async def get(connection: AsyncConnection, number: int) -> Migration | None:
    """The migration of that number."""
    row = (await connection.execute(_GET, {"id": number})).one_or_none()
    return None if row is None else Migration(*row)


async def page(connection: AsyncConnection, owner: int, *, everybody: bool, after: int, most: int) -> list[Migration]:
    """Migrations whose numbers are above `after`: the owner's, or everybody's."""
    given = {"owner": owner, "everybody": everybody, "after": after, "most": most}
    return [Migration(*row) for row in await connection.execute(_PAGE, given)]


async def add_pairs(connection: AsyncConnection, migration: int, pairs: Sequence[tuple[str, str, str]]) -> None:
    """Add pairs: source path, destination path, mark. Raises `RowConflict` if one is there already."""
    sources, destinations, marks = (list(column) for column in zip(*pairs, strict=True))
    given = {"migration": migration, "sources": sources, "destinations": destinations, "marks": marks}
    await connection.execute(_ADD_PAIRS, given)


async def pairs(connection: AsyncConnection, migration: int, *, after: int, most: int) -> list[Pair]:
    """Pairs of a migration whose numbers are above `after`."""
    rows = await connection.execute(_PAIRS, {"migration": migration, "after": after, "most": most})
    return [Pair(*row) for row in rows]


async def add_scans(connection: AsyncConnection, run: int) -> None:
    """A batch that scans, for each pair of the run's migration."""
    await connection.execute(_SCANS, {"run": run})
