"""Saved connections: rows without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text


@dataclass(frozen=True, slots=True)
class Connection:
    """A saved connection; `options` are those that are no secrets."""

    id: int
    owner: int
    name: str
    connector: str
    options: dict[str, Any]
    pool: str | None
    created: datetime
    updated: datetime


_COLUMNS: Final = "id, owner, name, connector, options, pool, created, updated"
_ADD: Final = text(f"""
    INSERT INTO mover.connection (owner, name, connector, options, pool)
    VALUES (:owner, :name, :connector, CAST(:options AS jsonb), :pool) RETURNING {_COLUMNS}""").bindparams(  # noqa: S608  # a constant
    bindparam("pool", type_=Text)
)
_GET: Final = text(f"SELECT {_COLUMNS} FROM mover.connection WHERE id = :id")  # noqa: S608  # a constant
_OF: Final = text(f"""
    SELECT {_COLUMNS} FROM mover.connection WHERE owner = :owner AND id > :after ORDER BY id LIMIT :most""")  # noqa: S608  # a constant
_REMOVE: Final = text("DELETE FROM mover.connection WHERE id = :id")


async def add(
    connection: AsyncConnection, owner: int, name: str, connector: str, options: Mapping[str, Any], pool: str | None
) -> Connection:
    """Keep a new one. Raises `RowConflict` if the owner has one of that name."""
    given = {"owner": owner, "name": name, "connector": connector, "options": json.dumps(options), "pool": pool}
    return Connection(*(await connection.execute(_ADD, given)).one())


async def get(connection: AsyncConnection, number: int) -> Connection | None:
    """The connection of that number."""
    row = (await connection.execute(_GET, {"id": number})).one_or_none()
    return None if row is None else Connection(*row)


async def of_owner(connection: AsyncConnection, owner: int, *, after: int, most: int) -> list[Connection]:
    """An owner's connections whose numbers are above `after`."""
    rows = await connection.execute(_OF, {"owner": owner, "after": after, "most": most})
    return [Connection(*row) for row in rows]


async def remove(connection: AsyncConnection, number: int) -> None:
    """Delete it. Raises `RowConflict` while a migration uses it."""
    await connection.execute(_REMOVE, {"id": number})
