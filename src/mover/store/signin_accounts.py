"""What signing in needs to know of accounts, and changes to them. Functions work in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text


@dataclass(frozen=True, slots=True)
class Known:
    """An account as somebody signs in to it; `password` is an argon2id string."""

    id: int
    name: str
    role: str
    password: str | None
    disabled: bool


_KNOWN: Final = "SELECT id, name, role, password, disabled IS NOT NULL AS disabled FROM mover.account"
_NAMED: Final = text(f"{_KNOWN} WHERE name = :name")
_GET: Final = text(f"{_KNOWN} WHERE id = :id")
_LOCK: Final = text(f"{_KNOWN} WHERE id = :id FOR UPDATE")
_OWNERS: Final = text("SELECT id FROM mover.account WHERE role = 'owner' AND disabled IS NULL ORDER BY id FOR UPDATE")
_PASSWORD: Final = text("UPDATE mover.account SET password = :password WHERE id = :id").bindparams(
    bindparam("password", type_=Text)
)
_REHASH: Final = text("UPDATE mover.account SET password = :password WHERE id = :id AND password = :before")
_ROLE: Final = text("UPDATE mover.account SET role = :role WHERE id = :id")
_DISABLE: Final = text("UPDATE mover.account SET disabled = now() WHERE id = :id AND disabled IS NULL")
_ENABLE: Final = text("UPDATE mover.account SET disabled = NULL WHERE id = :id AND disabled IS NOT NULL")


async def named(connection: AsyncConnection, name: str) -> Known | None:
    """The account of that name."""
    row = (await connection.execute(_NAMED, {"name": name})).one_or_none()
    return None if row is None else Known(*row)


async def get(connection: AsyncConnection, number: int, *, lock: bool = False) -> Known | None:
    """The account of that number; with `lock` nobody else changes it before the transaction ends."""
    row = (await connection.execute(_LOCK if lock else _GET, {"id": number})).one_or_none()
    return None if row is None else Known(*row)


async def owners(connection: AsyncConnection) -> list[int]:
    """Owners who can sign in, locked: of two who go at once, the second sees that the first is gone."""
    return list((await connection.execute(_OWNERS)).scalars())


async def set_password(connection: AsyncConnection, number: int, password: str | None) -> None:
    """Give the account another password, or none."""
    await connection.execute(_PASSWORD, {"id": number, "password": password})


async def rehash(connection: AsyncConnection, number: int, before: str, password: str) -> None:
    """The same password hashed anew, unless it was changed meanwhile."""
    await connection.execute(_REHASH, {"id": number, "before": before, "password": password})


async def set_role(connection: AsyncConnection, number: int, role: str) -> None:
    """Give the account another role."""
    await connection.execute(_ROLE, {"id": number, "role": role})


async def disable(connection: AsyncConnection, number: int) -> bool:
    """Nobody gets in by this account from now on; `False` if that was so already."""
    return (await connection.execute(_DISABLE, {"id": number})).rowcount == 1


async def enable(connection: AsyncConnection, number: int) -> bool:
    """Let the account in again; `False` if it was not disabled."""
    return (await connection.execute(_ENABLE, {"id": number})).rowcount == 1
