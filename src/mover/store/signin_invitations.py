"""Invitations: rows that hold no link, only what proves one. Functions work in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger

_ADD: Final = text("""
    INSERT INTO mover.invitation (account, made_by, hash, expires)
    VALUES (:account, :made_by, :hash, now() + make_interval(secs => :seconds)) RETURNING expires""").bindparams(
    bindparam("made_by", type_=BigInteger)
)
_GOOD: Final = """
    FROM mover.invitation i JOIN mover.account a ON a.id = i.account
    WHERE i.hash = :hash AND i.used IS NULL AND i.expires > now() AND a.disabled IS NULL"""
_NAME: Final = text(f"SELECT a.id, a.name {_GOOD}")
_USE: Final = text("""
    UPDATE mover.invitation i SET used = now() FROM mover.account a
    WHERE a.id = i.account AND i.hash = :hash AND i.used IS NULL AND i.expires > now() AND a.disabled IS NULL
    RETURNING a.id""")
_END: Final = text("UPDATE mover.invitation SET used = now() WHERE account = :account AND used IS NULL")


async def add(
    connection: AsyncConnection, account: int, made_by: int | None, hash_: bytes, *, seconds: float
) -> datetime:
    """Keep an invitation's hash; answers when it runs out. Those before it are worth nothing any more."""
    await end(connection, account)
    given = {"account": account, "made_by": made_by, "hash": hash_, "seconds": seconds}
    return (await connection.execute(_ADD, given)).scalar_one()


async def whose(connection: AsyncConnection, hash_: bytes) -> tuple[int, str] | None:
    """Number and name of the account that is invited; `None` if the link was used, ran out, or is none."""
    row = (await connection.execute(_NAME, {"hash": hash_})).one_or_none()
    return None if row is None else (row.id, row.name)


async def use(connection: AsyncConnection, hash_: bytes) -> int | None:
    """Use the invitation up; the account, or `None` if it cannot be used."""
    return (await connection.execute(_USE, {"hash": hash_})).scalar_one_or_none()


async def end(connection: AsyncConnection, account: int) -> None:
    """No invitation of the account can be used any more."""
    await connection.execute(_END, {"account": account})
