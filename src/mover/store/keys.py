"""API keys: rows that hold no key, only what proves one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is shown: never the key itself."""

    id: int
    account: int
    name: str
    prefix: str
    scopes: list[str]
    created: datetime
    expires: datetime | None
    used: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request's key is held against, and whose it is."""

    key: int
    hash: bytes
    scopes: list[str]
    account: int
    name: str
    role: str


_COLUMNS: Final = "id, account, name, prefix, scopes, created, expires, used"
_ADD: Final = text(f"""
    INSERT INTO mover.api_key (account, name, prefix, hash, scopes, expires)
    VALUES (:account, :name, :prefix, :hash, CAST(:scopes AS text[]), :expires) RETURNING {_COLUMNS}""").bindparams(  # noqa: S608  # a constant
    bindparam("expires", type_=TIMESTAMP(timezone=True))
)
_FIND: Final = text("""
    SELECT k.id, k.hash, k.scopes, a.id AS account, a.name, a.role
    FROM mover.api_key k JOIN mover.account a ON a.id = k.account
    WHERE k.prefix = :prefix AND k.revoked IS NULL AND a.disabled IS NULL AND (k.expires IS NULL OR k.expires > now())""")
_OF: Final = text(f"SELECT {_COLUMNS} FROM mover.api_key WHERE account = :account AND revoked IS NULL ORDER BY id")  # noqa: S608  # a constant
_USED: Final = text("""
    UPDATE mover.api_key SET used = now() WHERE id = :id AND (used IS NULL OR used < now() - interval '1 minute')""")
_REVOKE: Final = text(
    "UPDATE mover.api_key SET revoked = now() WHERE id = :id AND account = :account AND revoked IS NULL RETURNING prefix"
)


async def add(
    connection: AsyncConnection,
    account: int,
    name: str,
    *,
    prefix: str,
    hash_: bytes,
    scopes: Sequence[str],
    expires: datetime | None,
) -> Key:
    """Keep a new key's proof."""
    given = {"account": account, "name": name, "prefix": prefix, "hash": hash_, "scopes": list(scopes)}
    return Key(*(await connection.execute(_ADD, {**given, "expires": expires})).one())


async def find(connection: AsyncConnection, prefix: str) -> Proof | None:
    """What proves the key that begins so; `None` if it was revoked, ran out, or its account is disabled."""
    row = (await connection.execute(_FIND, {"prefix": prefix})).one_or_none()
    return None if row is None else Proof(*row)


async def note_use(connection: AsyncConnection, key: int) -> None:
    """Keep when a key was used last, to the minute."""
    await connection.execute(_USED, {"id": key})


async def of_account(connection: AsyncConnection, account: int) -> list[Key]:
    """An account's keys that were not revoked."""
    return [Key(*row) for row in await connection.execute(_OF, {"account": account})]


async def revoke(connection: AsyncConnection, account: int, key: int) -> str | None:
    """The key opens nothing from now on; its prefix, or `None` if the account has none of that number."""
    return (await connection.execute(_REVOKE, {"id": key, "account": account})).scalar_one_or_none()
