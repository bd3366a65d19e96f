"""Removing an account: what opens anything goes at once, what is large goes after it. Functions work in the caller's transaction."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_BARE: Final = text("""
    UPDATE mover.account SET disabled = coalesce(disabled, now()), password = NULL WHERE id = :account""")
_OWNED: Final = ("session", "api_key", "totp", "recovery_code", "passkey", "passkey_challenge", "invitation")
_STOP: Final = text("""
    UPDATE mover.run SET state = 'stopped', ended = now(), reason = 'its account was removed'
    WHERE owner = :account AND state IN ('running', 'pausing', 'paused', 'stopping') RETURNING id""")
_CONNECTIONS: Final = text("SELECT count(*) FROM mover.connection WHERE owner = :account")
_MIGRATIONS: Final = text("SELECT id FROM mover.migration WHERE owner = :account ORDER BY id")
_DROP_ITEMS: Final = text("SELECT mover.drop_item_partition(:migration)")
_DROP: Final = text("DELETE FROM mover.migration WHERE id = :migration")
_DROP_ACCOUNT: Final = text("DELETE FROM mover.account WHERE id = :account")


async def lay_bare(connection: AsyncConnection, account: int) -> list[int]:
    """Nobody gets in by the account any more, by whatever means; its runs are stopped: their numbers."""
    await connection.execute(_BARE, {"account": account})
    for table in _OWNED:
        await connection.execute(text(f"DELETE FROM mover.{table} WHERE account = :account"), {"account": account})  # noqa: S608  # a constant
    return list((await connection.execute(_STOP, {"account": account})).scalars())


async def connections_of(connection: AsyncConnection, account: int) -> int:
    """How many connections the account has."""
    return int((await connection.execute(_CONNECTIONS, {"account": account})).scalar_one())


async def migrations_of(connection: AsyncConnection, account: int) -> list[int]:
    """The numbers of the account's migrations."""
    return list((await connection.execute(_MIGRATIONS, {"account": account})).scalars())


async def drop_migration(connection: AsyncConnection, migration: int) -> None:
    """Delete a migration with its pairs, runs, batches and items."""
    await connection.execute(_DROP, {"migration": migration})
    await connection.execute(
        _DROP_ITEMS, {"migration": migration}
    )  # last: nobody can look at items until the transaction ends


async def drop_account(connection: AsyncConnection, account: int) -> None:
    """Delete the account with its connections. Its migrations must be gone."""
    await connection.execute(_DROP_ACCOUNT, {"account": account})
