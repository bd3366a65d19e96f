"""Reading and writing the vault's tables. Functions work in the caller's transaction.

Those of users' keys need the role `mover_keys`; of those of credentials, `save`, `forget` and `forget_owner` are the API's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A version of a user's key, as it rests."""

    owner: str
    version: int
    key_id: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A sealed secret and its place."""

    id: int
    owner: str
    purpose: str
    record: str
    sealed: bytes
    version: int


_KEY: Final = "SELECT owner, version, key_id, wrapped FROM keys.user_key"
_CREDENTIAL: Final = "SELECT id, owner, purpose, record, sealed, version FROM mover.credential"

_CURRENT_KEY: Final = text(f"{_KEY} WHERE owner = :owner AND retired IS NULL")
_KEY_OF: Final = text(f"{_KEY} WHERE owner = :owner AND version = :version")
_KEYS_AFTER: Final = text(f"{_KEY} WHERE (owner, version) > (:owner, :version) ORDER BY owner, version LIMIT :most")
_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:owner, 0))")
_NEWEST: Final = text("SELECT coalesce(max(version), 0) FROM keys.user_key WHERE owner = :owner")
_RETIRE: Final = text("UPDATE keys.user_key SET retired = now() WHERE owner = :owner AND retired IS NULL")
_ADD_KEY: Final = text("""
    INSERT INTO keys.user_key (owner, version, key_id, wrapped) VALUES (:owner, :version, :key_id, :wrapped)""")
_REWRAP_KEY: Final = text("""
    UPDATE keys.user_key SET key_id = :key_id, wrapped = :wrapped
    WHERE owner = :owner AND version = :version AND wrapped = :before""")
_DESTROY: Final = text("""
    DELETE FROM keys.user_key
    WHERE owner = :owner AND version = :version AND retired < now() - make_interval(secs => :seconds)""")
_RETIRED: Final = text(
    "SELECT version FROM keys.user_key WHERE owner = :owner AND retired IS NOT NULL ORDER BY version"
)
_SHRED: Final = text("DELETE FROM keys.user_key WHERE owner = :owner")

_SAVE: Final = text("""
    INSERT INTO mover.credential AS c (owner, purpose, record, sealed) VALUES (:owner, :purpose, :record, :sealed)
    ON CONFLICT (owner, purpose, record) DO UPDATE SET sealed = :sealed, version = c.version + 1, updated = now()
    RETURNING version""")
_FIRST: Final = text("""
    INSERT INTO mover.credential (owner, purpose, record, sealed) VALUES (:owner, :purpose, :record, :sealed)
    ON CONFLICT (owner, purpose, record) DO NOTHING""")
_REPLACE: Final = text("""
    UPDATE mover.credential SET sealed = :sealed, version = version + 1, updated = now()
    WHERE owner = :owner AND purpose = :purpose AND record = :record AND version = :before RETURNING version""")
_FORGET: Final = text("DELETE FROM mover.credential WHERE owner = :owner AND purpose = :purpose AND record = :record")
_FORGET_OWNER: Final = text("DELETE FROM mover.credential WHERE owner = :owner")
_CREDENTIAL_AT: Final = text(f"{_CREDENTIAL} WHERE owner = :owner AND purpose = :purpose AND record = :record")
_CREDENTIALS_AFTER: Final = text(f"""{_CREDENTIAL}
    WHERE id > :after AND (CAST(:owner AS text) IS NULL OR owner = :owner) ORDER BY id LIMIT :most""").bindparams(
    bindparam("after", type_=BigInteger)
)
_GLOBAL_KEYS: Final = text("""
    SELECT key_id, count(*) FROM (
        SELECT key_id FROM keys.user_key
        UNION ALL SELECT encode(substr(sealed, 3, get_byte(sealed, 1)), 'escape') FROM mover.credential WHERE octet_length(sealed) > 1
    ) AS used GROUP BY key_id ORDER BY key_id""")
_REWRAP_CREDENTIAL: Final = text("UPDATE mover.credential SET sealed = :sealed WHERE id = :id AND sealed = :before")


async def current_key(connection: AsyncConnection, owner: str) -> KeyRow | None:
    """The owner's key that seals now."""
    row = (await connection.execute(_CURRENT_KEY, {"owner": owner})).one_or_none()
    return None if row is None else KeyRow(*row)


async def key_of(connection: AsyncConnection, owner: str, version: int) -> KeyRow | None:
    """That version of the owner's key; `None` if it was shredded or never was."""
    row = (await connection.execute(_KEY_OF, {"owner": owner, "version": version})).one_or_none()
    return None if row is None else KeyRow(*row)


async def keys_after(connection: AsyncConnection, owner: str, version: int, most: int) -> list[KeyRow]:
    """Up to `most` keys that come after that one, in the order of owner and version."""
    rows = await connection.execute(_KEYS_AFTER, {"owner": owner, "version": version, "most": most})
    return [KeyRow(*row) for row in rows]


async def newest_version(connection: AsyncConnection, owner: str) -> int:
    """The highest version that the owner's keys have; 0 if there is none.

    Until this transaction ends nobody else gets an answer for the same owner: whoever asks may add the next.
    """
    await connection.execute(_ONE_AT_A_TIME, {"owner": owner})
    return int((await connection.execute(_NEWEST, {"owner": owner})).scalar_one())


async def add_key(connection: AsyncConnection, row: KeyRow) -> None:
    """Make it the owner's current key; the one before is retired. Ask for `newest_version` in the same transaction first."""
    await connection.execute(_RETIRE, {"owner": row.owner})
    values = {"owner": row.owner, "version": row.version, "key_id": row.key_id, "wrapped": row.wrapped}
    await connection.execute(_ADD_KEY, values)


async def rewrap_key(connection: AsyncConnection, row: KeyRow, key_id: str, wrapped: bytes) -> bool:
    """Replace how the key is wrapped; `False` if the row is no longer as it was read."""
    values = {"owner": row.owner, "version": row.version, "before": row.wrapped, "key_id": key_id, "wrapped": wrapped}
    return (await connection.execute(_REWRAP_KEY, values)).rowcount == 1


async def retired_versions(connection: AsyncConnection, owner: str) -> list[int]:
    """Which of the owner's keys seal no more, lowest first."""
    return [int(version) for version in (await connection.execute(_RETIRED, {"owner": owner})).scalars()]


async def destroy_key(connection: AsyncConnection, owner: str, version: int, seconds: float) -> bool:
    """Delete a key that has been retired for more than so many seconds, by the database's clock; whether it was."""
    values = {"owner": owner, "version": version, "seconds": seconds}
    return (await connection.execute(_DESTROY, values)).rowcount == 1


async def shred(connection: AsyncConnection, owner: str) -> int:
    """Delete all of the owner's keys; how many there were."""
    return (await connection.execute(_SHRED, {"owner": owner})).rowcount


async def save(connection: AsyncConnection, owner: str, purpose: str, record: str, sealed: bytes) -> int:
    """Put a sealed secret in its place, instead of the one before; its version, which is 1 for the first."""
    values = {"owner": owner, "purpose": purpose, "record": record, "sealed": sealed}
    return int((await connection.execute(_SAVE, values)).scalar_one())


async def first(connection: AsyncConnection, owner: str, purpose: str, record: str, sealed: bytes) -> bool:
    """Put a sealed secret where there is none; `False` if another writer was quicker, and nothing is changed then."""
    values = {"owner": owner, "purpose": purpose, "record": record, "sealed": sealed}
    return (await connection.execute(_FIRST, values)).rowcount == 1


async def replace(
    connection: AsyncConnection, owner: str, purpose: str, record: str, sealed: bytes, *, before: int
) -> int | None:
    """Put a sealed secret in place of version `before`; `None` if another writer was quicker, and nothing is changed then."""
    values = {"owner": owner, "purpose": purpose, "record": record, "sealed": sealed, "before": before}
    version = (await connection.execute(_REPLACE, values)).scalar_one_or_none()
    return None if version is None else int(version)


async def forget(connection: AsyncConnection, owner: str, purpose: str, record: str) -> bool:
    """Delete a sealed secret; whether there was one."""
    values = {"owner": owner, "purpose": purpose, "record": record}
    return (await connection.execute(_FORGET, values)).rowcount == 1


async def forget_owner(connection: AsyncConnection, owner: str) -> int:
    """Delete all of an owner's sealed secrets; how many there were."""
    return (await connection.execute(_FORGET_OWNER, {"owner": owner})).rowcount


async def credential_at(connection: AsyncConnection, owner: str, purpose: str, record: str) -> CredentialRow | None:
    """The sealed secret in that place. The keys' role only: the API's may not read it."""
    values = {"owner": owner, "purpose": purpose, "record": record}
    row = (await connection.execute(_CREDENTIAL_AT, values)).one_or_none()
    return None if row is None else CredentialRow(*row)


async def credentials_after(
    connection: AsyncConnection, after: int, most: int, *, owner: str | None = None
) -> list[CredentialRow]:
    """Up to `most` sealed secrets whose id is above `after`, in the order of ids; of one owner if it is named."""
    rows = await connection.execute(_CREDENTIALS_AFTER, {"after": after, "owner": owner, "most": most})
    return [CredentialRow(*row) for row in rows]


async def rewrap_credential(connection: AsyncConnection, row: CredentialRow, sealed: bytes) -> bool:
    """Replace how the secret is wrapped; `False` if the row is no longer as it was read."""
    values = {"id": row.id, "before": row.sealed, "sealed": sealed}
    return (await connection.execute(_REWRAP_CREDENTIAL, values)).rowcount == 1


async def global_keys_in_use(connection: AsyncConnection) -> dict[str, int]:
    """How many users' keys and sealed secrets each global key wraps, by its id: what is not listed may be destroyed."""
    return {str(key_id): int(count) for key_id, count in await connection.execute(_GLOBAL_KEYS)}
