"""Items: written many at once, read by keyset. A row is found by its migration, pair, path and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS: Final = (
    ("path", "bytea"),
    ("key_id", "bytea"),
    ("kind", "text"),
    ("state", "text"),
    ("attempts", "smallint"),
    ("size", "bigint"),
    ("modified", "double precision"),
    ("version", "bytea"),
    ("target", "bytea"),
    ("code", "text"),
    ("detail", "text"),
    ("proof", "jsonb"),
)
_NAMES: Final = ", ".join(name for name, _ in _COLUMNS)
_GIVEN: Final = ", ".join(f"CAST(:{name} AS {'text' if kind == 'jsonb' else kind}[])" for name, kind in _COLUMNS)
_TAKEN: Final = ", ".join(f"CAST(u.{name} AS jsonb)" if kind == "jsonb" else f"u.{name}" for name, kind in _COLUMNS)
_NEW: Final = ", ".join(f"{name} = excluded.{name}" for name, _ in _COLUMNS[2:])

_PUT: Final = text(f"""
    INSERT INTO mover.item AS i (migration, pair, run, {_NAMES})
    SELECT :migration, :pair, :run, {_TAKEN} FROM unnest({_GIVEN}) AS u ({_NAMES})
    ON CONFLICT (migration, pair, path, key_id) DO UPDATE SET
        {_NEW}, run = excluded.run, updated = now(), batch = CASE WHEN i.run = excluded.run THEN i.batch END
    WHERE i.run < excluded.run OR excluded.state <> 'planned' OR i.batch IS NULL""")  # noqa: S608  # constants of this module
# An item is offered once in a run: a second scan of it, after the first one's runner was lost, changes nothing of what is under way.

_SAME: Final = text("""
    INSERT INTO mover.item AS i (migration, pair, run, path, key_id, kind, state, size, detail)
    SELECT :migration, :pair, :run, u.path, '', 'file', 'same', u.size, :detail
    FROM unnest(CAST(:paths AS bytea[]), CAST(:sizes AS bigint[])) AS u (path, size)
    ON CONFLICT (migration, pair, path, key_id) DO UPDATE SET
        run = excluded.run, state = 'same', size = excluded.size, detail = excluded.detail, code = NULL, batch = NULL,
        attempts = 0, proof = NULL, updated = now()
    WHERE i.run < excluded.run OR i.batch IS NULL""")

_KEYS: Final = "unnest(CAST(:paths AS bytea[]), CAST(:key_ids AS bytea[])) AS u (path, key_id)"
_WHERE: Final = "i.migration = :migration AND i.pair = :pair AND i.path = u.path AND i.key_id = u.key_id"

_SEEN: Final = text(f"UPDATE mover.item i SET run = :run, batch = NULL FROM {_KEYS} WHERE {_WHERE} AND i.run < :run")  # noqa: S608
_KNOWN: Final = text(
    f"SELECT i.path, i.key_id, i.state, i.size, i.modified, i.version FROM mover.item i, {_KEYS} WHERE {_WHERE}"  # noqa: S608
)
_OFFERED: Final = text(f"""
    UPDATE mover.item i SET batch = :batch FROM {_KEYS}
    WHERE {_WHERE} AND i.run = :run AND i.batch IS NULL AND i.state = 'planned'
    RETURNING i.path, i.key_id""")  # noqa: S608  # constants of this module

_OPEN: Final = text(
    "SELECT path, key_id FROM mover.item WHERE migration = :migration AND batch = :batch AND state = 'planned'"
)
_OF_BATCH: Final = text("""
    SELECT state, count(*), coalesce(sum(size), 0)::bigint FROM mover.item
    WHERE migration = :migration AND batch = :batch GROUP BY state""")
_OF_RUN: Final = text("""
    SELECT state, count(*), coalesce(sum(size), 0)::bigint FROM mover.item
    WHERE migration = :migration AND run = :run GROUP BY state""")
_GONE: Final = text("""
    UPDATE mover.item SET state = 'failed', code = 'item-not-found', detail = 'gone from the source since it was planned', updated = now()
    WHERE migration = :migration AND pair = :pair AND state = 'planned' AND run < :run""")
_PAGE: Final = text(f"""
    SELECT pair, {_NAMES}, updated FROM mover.item
    WHERE migration = :migration AND run = :run AND state = ANY(:states) AND (pair, path, key_id) > (:pair, :path, :key_id)
    ORDER BY pair, path, key_id LIMIT :most""")  # noqa: S608  # constants of this module

Key = tuple[bytes, bytes]
Counts = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Of:
    """Whose items: migration, pair and run."""

    migration: int
    pair: int
    run: int

    def given(self, **more: Any) -> dict[str, Any]:
        return {"migration": self.migration, "pair": self.pair, "run": self.run, **more}


async def put(connection: AsyncConnection, of: Of, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write lines, each a mapping of every column; the last one of an item is the one that counts."""
    latest = {(row["path"], row["key_id"]): row for row in rows}
    ordered = [latest[key] for key in sorted(latest)]  # one order for all, so that no two writers wait for each other
    if ordered:
        await connection.execute(_PUT, of.given(**{name: [row[name] for row in ordered] for name, _ in _COLUMNS}))


async def put_same(
    connection: AsyncConnection, of: Of, paths: Sequence[bytes], sizes: Sequence[int], detail: str
) -> None:
    """Write many files that the destination has already."""
    rows = dict(sorted(zip(paths, sizes, strict=True)))
    if rows:
        await connection.execute(_SAME, of.given(paths=list(rows), sizes=list(rows.values()), detail=detail))


async def put_seen(connection: AsyncConnection, of: Of, keys: Sequence[Key]) -> None:
    """Note that this run met items which an earlier one had copied."""
    if keys:
        await connection.execute(_SEEN, of.given(**_keys(keys)))


async def known(connection: AsyncConnection, of: Of, keys: Sequence[Key]) -> list[Any]:
    """State, size, time and version of those that are known: rows of path, key_id, state, size, modified, version."""
    return list(await connection.execute(_KNOWN, of.given(**_keys(keys)))) if keys else []


async def offered(connection: AsyncConnection, of: Of, batch: int, keys: Sequence[Key]) -> set[Key]:
    """Put planned items into a batch; answers those that were in none yet."""
    rows = await connection.execute(_OFFERED, of.given(batch=batch, **_keys(keys)))
    return {(row.path, row.key_id) for row in rows}


async def open_in(connection: AsyncConnection, migration: int, batch: int) -> set[Key]:
    """The items of a batch that have no last state yet."""
    rows = await connection.execute(_OPEN, {"migration": migration, "batch": batch})
    return {(row.path, row.key_id) for row in rows}


async def fail(connection: AsyncConnection, migration: int, batch: int, code: str, detail: str) -> None:
    """Give up what is left of a batch."""
    query = text("""
        UPDATE mover.item SET state = 'failed', code = :code, detail = :detail, updated = now()
        WHERE migration = :migration AND batch = :batch AND state = 'planned'""")
    await connection.execute(query, {"migration": migration, "batch": batch, "code": code, "detail": detail})


async def counts_of_batch(connection: AsyncConnection, migration: int, batch: int) -> Counts:
    """Items and bytes of a batch by state."""
    return _counts(await connection.execute(_OF_BATCH, {"migration": migration, "batch": batch}))


async def counts_of_run(connection: AsyncConnection, migration: int, run: int) -> Counts:
    """Items and bytes of a run by state; reads them all, so ask for it at the end."""
    return _counts(await connection.execute(_OF_RUN, {"migration": migration, "run": run}))


async def end_scan(connection: AsyncConnection, of: Of) -> None:
    """The scan is complete: what an earlier run planned and this one did not meet is gone from the source."""
    await connection.execute(_GONE, of.given())


async def page(
    connection: AsyncConnection,
    migration: int,
    run: int,
    states: Sequence[str],
    after: tuple[int, bytes, bytes],
    most: int,
) -> list[Any]:
    """Items of a run in the order of pair and path, behind `after`."""
    pair, path, key_id = after
    given = {"migration": migration, "run": run, "states": list(states), "pair": pair, "path": path, "key_id": key_id}
    return list(await connection.execute(_PAGE, {**given, "most": most}))


async def add_partition(connection: AsyncConnection, migration: int) -> None:
    """Make room for a migration's items."""
    await connection.execute(text("SELECT mover.add_item_partition(:migration)"), {"migration": migration})


def _keys(keys: Sequence[Key]) -> dict[str, list[bytes]]:
    ordered = sorted(set(keys))
    return {"paths": [path for path, _ in ordered], "key_ids": [key_id for _, key_id in ordered]}


def _counts(rows: Any) -> Counts:
    return {state: (count, size) for state, count, size in rows}
