"""What a database holds, as the server's catalogue tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mover.connectors.mysql.literals import Literal, identifier, literal_of, text
from mover.connectors.mysql.names import SYSTEM
from mover.connectors.mysql.session import Session, said
from mover.core.errors import NotFound

KEY_TYPES: Final = frozenset(
    {
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "integer",
        "bigint",
        "decimal",
        "char",
        "varchar",
        "binary",
        "varbinary",
        "date",
        "datetime",
        "timestamp",
    }
)
"""Types of key columns whose order is that of a comparison with their literal."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that rows are written with; generated ones are left out."""

    name: str
    data_type: str
    literal: Literal

    @property
    def selected(self) -> str:
        """The expression that reads it. A FLOAT is printed with six digits only; as DOUBLE it keeps them all."""
        quoted = identifier(self.name)
        return f"{quoted} + 0e0" if self.data_type == "float" else quoted


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in order, and the names of those that make its rows unique (none: it cannot be cut)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    row_bytes: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The names of what a database holds, sorted; routines with their kind (`FUNCTION`, `PROCEDURE`, `PACKAGE` ...)."""

    tables: tuple[str, ...]
    sequences: tuple[str, ...]
    views: tuple[str, ...]
    routines: tuple[tuple[str, str], ...]
    triggers: tuple[tuple[str, str], ...]  # (name, its table), in the order in which they fire
    events: tuple[str, ...]


async def databases(session: Session) -> list[str]:
    """Every database but the server's own."""
    rows = await session.rows("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1")
    return [name for name in (said(row[0]) for row in rows) if name.lower() not in SYSTEM]


async def has_database(session: Session, database: str) -> bool:
    """Whether there is a database of that name."""
    query = f"SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {text(database)}"  # noqa: S608  # quoted
    return bool(await session.rows(query))


async def contents(session: Session, database: str) -> Contents:
    """What the database holds. Raises `NotFound` if there is none of that name."""
    if not await has_database(session, database):
        raise NotFound(f"there is no database {database}", item=database)
    here = text(database)
    kinds: dict[str, list[str]] = {"table": [], "sequence": [], "view": []}
    for row in await session.rows(
        f"SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = {here} ORDER BY 1"  # noqa: S608  # quoted
    ):
        kinds[{"VIEW": "view", "SEQUENCE": "sequence"}.get(said(row[1]), "table")].append(said(row[0]))
    return Contents(
        tuple(kinds["table"]),
        tuple(kinds["sequence"]),
        tuple(kinds["view"]),
        await _pairs(
            session,
            f"ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {here}"
            " ORDER BY ROUTINE_TYPE = 'PACKAGE BODY', 1, 2",
        ),
        await _pairs(
            session,
            f"TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {here}"
            " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
        ),
        tuple(
            said(row[0])
            for row in await session.rows(
                f"SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {here} ORDER BY 1"  # noqa: S608  # quoted
            )
        ),
    )


async def table(session: Session, database: str, name: str) -> Table:
    """One table. Raises `NotFound` if it is gone."""
    where = f"WHERE TABLE_SCHEMA = {text(database)} AND TABLE_NAME = {text(name)}"
    rows = await session.rows(
        "SELECT COLUMN_NAME, LOWER(DATA_TYPE), CHARACTER_SET_NAME, COALESCE(GENERATION_EXPRESSION, '') <> ''"  # noqa: S608  # quoted
        f" FROM information_schema.COLUMNS {where} ORDER BY ORDINAL_POSITION"
    )
    if not rows:
        raise NotFound(f"there is no table {name}", item=name)
    columns = tuple(
        Column(said(name_), said(kind), literal_of(said(kind), None if charset is None else said(charset)))
        for name_, kind, charset, generated in rows
        if generated != b"1"
    )
    length = await session.rows(f"SELECT AVG_ROW_LENGTH FROM information_schema.TABLES {where}")  # noqa: S608  # quoted
    size = int(length[0][0] or 0) if length else 0
    return Table(name, columns, await _key(session, where, columns), size)


async def _key(session: Session, where: str, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    rows = await session.rows(
        "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART, NULLABLE FROM information_schema.STATISTICS"  # noqa: S608  # quoted
        f" {where} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX"
    )
    usable = {c.name: c for c in columns if c.data_type in KEY_TYPES}
    keys: dict[str, list[Column | None]] = {}
    for index, column, prefix, nullable in rows:
        fits = prefix is None and nullable != b"YES"
        keys.setdefault(said(index), []).append(usable.get(said(column)) if fits else None)
    for key in keys.values():
        found = [c for c in key if c is not None]
        if len(found) == len(key):
            return tuple(found)
    return ()


async def _pairs(session: Session, query: str) -> tuple[tuple[str, str], ...]:
    return tuple((said(a), said(b)) for a, b in await session.rows(f"SELECT {query}"))  # quoted by the caller
