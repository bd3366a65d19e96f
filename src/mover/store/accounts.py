"""Accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is shown."""

    id: int
    name: str
    role: str
    created: datetime
    disabled: datetime | None


_COLUMNS: Final = "id, name, role, created, disabled"
_ADD: Final = text(
    f"INSERT INTO mover.account (name, role, password) VALUES (:name, :role, :password) RETURNING {_COLUMNS}"  # noqa: S608  # a constant
).bindparams(bindparam("password", type_=Text))
_GET: Final = text(f"SELECT {_COLUMNS} FROM mover.account WHERE id = :id")  # noqa: S608  # a constant
_NAMED: Final = text(f"SELECT {_COLUMNS} FROM mover.account WHERE name = :name")  # noqa: S608  # a constant
_PAGE: Final = text(f"SELECT {_COLUMNS} FROM mover.account WHERE id > :after ORDER BY id LIMIT :most")  # noqa: S608  # a constant


async def add(connection: AsyncConnection, name: str, role: str, password: str | None) -> Account:
    """Keep a new account; `password` is an argon2id string. Raises `RowConflict` if there is one of that name."""
    return Account(*(await connection.execute(_ADD, {"name": name, "role": role, "password": password})).one())


async def get(connection: AsyncConnection, number: int) -> Account | None:
    """The account of that number."""
    row = (await connection.execute(_GET, {"id": number})).one_or_none()
    return None if row is None else Account(*row)


async def named(connection: AsyncConnection, name: str) -> Account | None:
    """The account of that name."""
    row = (await connection.execute(_NAMED, {"name": name})).one_or_none()
    return None if row is None else Account(*row)


async def page(connection: AsyncConnection, *, after: int, most: int) -> list[Account]:
    """Accounts whose numbers are above `after`."""
    return [Account(*row) for row in await connection.execute(_PAGE, {"after": after, "most": most})]
