"""Passkeys and the challenges that were given out for them. Functions work in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger

LIFE: Final = 300
"""Seconds for which a challenge is good."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as it is shown."""

    id: int
    name: str
    created: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What is kept of a passkey that was just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What an answer is held against, and whose passkey it is."""

    id: int
    account: int
    name: str
    public_key: bytes
    sign_count: int


_CHALLENGE: Final = text(f"""
    INSERT INTO mover.passkey_challenge (hash, purpose, account, expires)
    VALUES (:hash, :purpose, :account, now() + interval '{LIFE} seconds')""").bindparams(  # noqa: S608  # a constant
    bindparam("account", type_=BigInteger)
)
_PRUNE: Final = text("""
    DELETE FROM mover.passkey_challenge WHERE hash IN (
        SELECT hash FROM mover.passkey_challenge WHERE expires < now() LIMIT 100 FOR UPDATE SKIP LOCKED)""")
_USE: Final = text("""
    DELETE FROM mover.passkey_challenge
    WHERE hash = :hash AND purpose = :purpose AND account IS NOT DISTINCT FROM :account
    RETURNING expires > now()""").bindparams(bindparam("account", type_=BigInteger))
_ADD: Final = text("""
    INSERT INTO mover.passkey (account, name, credential_id, public_key, sign_count)
    VALUES (:account, :name, :credential_id, :public_key, :sign_count) RETURNING id, name, created, used""")
_OF: Final = text("SELECT id, name, created, used FROM mover.passkey WHERE account = :account ORDER BY id")
_IDS: Final = text("SELECT credential_id FROM mover.passkey WHERE account = :account ORDER BY id")
_FIND: Final = text("""
    SELECT p.id, a.id AS account, a.name, p.public_key, p.sign_count
    FROM mover.passkey p JOIN mover.account a ON a.id = p.account
    WHERE p.credential_id = :credential_id AND a.disabled IS NULL""")
_NOTE: Final = text("""
    UPDATE mover.passkey p SET sign_count = :sign_count, used = now() FROM mover.account a
    WHERE p.id = :id AND p.sign_count = :before AND a.id = p.account AND a.disabled IS NULL""")
_REMOVE: Final = text("DELETE FROM mover.passkey WHERE account = :account AND id = :id RETURNING name")
_REMOVE_ALL: Final = text("DELETE FROM mover.passkey WHERE account = :account")


async def add_challenge(connection: AsyncConnection, hash_: bytes, purpose: str, account: int | None) -> None:
    """Keep the hash of a challenge for `LIFE` seconds; those that are over go."""
    await connection.execute(_PRUNE)
    await connection.execute(_CHALLENGE, {"hash": hash_, "purpose": purpose, "account": account})


async def use_challenge(connection: AsyncConnection, hash_: bytes, purpose: str, account: int | None) -> bool:
    """Use a challenge up; whether it was one for this purpose and account, not used before and not too old."""
    given = {"hash": hash_, "purpose": purpose, "account": account}
    return bool((await connection.execute(_USE, given)).scalar_one_or_none())


async def add(connection: AsyncConnection, account: int, name: str, new: NewPasskey) -> Passkey:
    """Keep a new passkey. Raises `RowConflict` if it is known already."""
    given = {"credential_id": new.credential_id, "public_key": new.public_key, "sign_count": new.sign_count}
    return Passkey(*(await connection.execute(_ADD, {"account": account, "name": name, **given})).one())


async def of_account(connection: AsyncConnection, account: int) -> list[Passkey]:
    """The account's passkeys."""
    return [Passkey(*row) for row in await connection.execute(_OF, {"account": account})]


async def credential_ids(connection: AsyncConnection, account: int) -> list[bytes]:
    """What authenticators call the account's passkeys."""
    return list((await connection.execute(_IDS, {"account": account})).scalars())


async def find(connection: AsyncConnection, credential_id: bytes) -> Proof | None:
    """The passkey of that id; `None` if there is none, or its account is disabled."""
    row = (await connection.execute(_FIND, {"credential_id": credential_id})).one_or_none()
    return None if row is None else Proof(*row)


async def note_use(connection: AsyncConnection, proof: Proof, sign_count: int) -> bool:
    """Keep the authenticator's count; `False` if somebody used the passkey meanwhile, or it is gone or its account disabled."""
    given = {"id": proof.id, "before": proof.sign_count, "sign_count": sign_count}
    return (await connection.execute(_NOTE, given)).rowcount == 1


async def remove(connection: AsyncConnection, account: int, number: int) -> str | None:
    """Delete one of the account's passkeys; its name, or `None` if there is none of that number."""
    return (await connection.execute(_REMOVE, {"account": account, "id": number})).scalar_one_or_none()


async def remove_all(connection: AsyncConnection, account: int) -> int:
    """Delete the account's passkeys; how many there were."""
    return (await connection.execute(_REMOVE_ALL, {"account": account})).rowcount
