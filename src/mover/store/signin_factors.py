"""One-time codes and recovery codes. Functions work in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Totp:
    """One-time codes that were set up; the secret is elsewhere, under this number."""

    id: int
    account: int
    confirmed: bool


_ADD: Final = text("INSERT INTO mover.totp (account) VALUES (:account) RETURNING id")
_OF: Final = text("""
    SELECT id, account, confirmed IS NOT NULL FROM mover.totp
    WHERE account = :account AND (confirmed IS NOT NULL) = :confirmed
      AND (confirmed IS NOT NULL OR created > now() - interval '1 hour') ORDER BY id DESC LIMIT 1""")
_CONFIRM: Final = text(
    "UPDATE mover.totp SET confirmed = now(), last_step = :step WHERE id = :id AND confirmed IS NULL"
)
_TAKE: Final = text("UPDATE mover.totp SET last_step = :step WHERE id = :id AND last_step < :step")
_REMOVE: Final = text("DELETE FROM mover.totp WHERE account = :account AND id <> :but RETURNING id")
_FORGET_CODES: Final = text("DELETE FROM mover.recovery_code WHERE account = :account")
_ADD_CODES: Final = text("""
    INSERT INTO mover.recovery_code (account, hash) SELECT :account, unnest(CAST(:hashes AS bytea[]))""")
_USE_CODE: Final = text("""
    UPDATE mover.recovery_code SET used = now() WHERE account = :account AND hash = :hash AND used IS NULL""")
_CODES_LEFT: Final = text("SELECT count(*) FROM mover.recovery_code WHERE account = :account AND used IS NULL")


async def add_totp(connection: AsyncConnection, account: int) -> int:
    """Begin to set up one-time codes; the number of the new row."""
    return int((await connection.execute(_ADD, {"account": account})).scalar_one())


async def totp_of(connection: AsyncConnection, account: int, *, confirmed: bool = True) -> Totp | None:
    """The account's one-time codes that are in use, or those that wait for their first code (an hour at most)."""
    row = (await connection.execute(_OF, {"account": account, "confirmed": confirmed})).one_or_none()
    return None if row is None else Totp(*row)


async def confirm_totp(connection: AsyncConnection, number: int, step: int) -> bool:
    """Put the codes in use; that of time step `step` is taken. Remove the ones before first."""
    return (await connection.execute(_CONFIRM, {"id": number, "step": step})).rowcount == 1


async def take_step(connection: AsyncConnection, number: int, step: int) -> bool:
    """Take the code of a time step; `False` if it, or a later one, was taken before."""
    return (await connection.execute(_TAKE, {"id": number, "step": step})).rowcount == 1


async def remove_totp(connection: AsyncConnection, account: int, *, but: int | None = None) -> list[int]:
    """Delete the account's one-time codes, except one if it is named; the numbers of those deleted."""
    return list((await connection.execute(_REMOVE, {"account": account, "but": but or 0})).scalars())


async def set_codes(connection: AsyncConnection, account: int, hashes: Sequence[bytes]) -> None:
    """Put new recovery codes in place of the old ones."""
    await connection.execute(_FORGET_CODES, {"account": account})
    await connection.execute(_ADD_CODES, {"account": account, "hashes": list(hashes)})


async def use_code(connection: AsyncConnection, account: int, hash_: bytes) -> bool:
    """Use a recovery code up; `False` if it is none, or was used."""
    return (await connection.execute(_USE_CODE, {"account": account, "hash": hash_})).rowcount == 1


async def codes_left(connection: AsyncConnection, account: int) -> int:
    """How many recovery codes were not used."""
    return int((await connection.execute(_CODES_LEFT, {"account": account})).scalar_one())
