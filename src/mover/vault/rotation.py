"""Wrapping everything anew after a rotation: in batches by keyset, to be stopped and gone on with anywhere, ciphertexts untouched.

No transaction is open while the global key's holder is asked. A row that somebody changes meanwhile is left alone: it was sealed just
now, by current keys. What does not open is counted and named, and stops nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.errors import Sealed
from mover.store import vault_queries
from mover.store.vault_queries import CredentialRow, KeyRow
from mover.vault.envelope import Envelope
from mover.vault.sealing import Vault

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Begins a transaction as `mover_keys`, which is committed when the block ends: `engine.begin`."""

BATCH: Final = 100
AT_ONCE: Final = 8
"""Rows for which the global key's holder is asked at once."""

Row = TypeVar("Row")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where everything was wrapped anew: users' keys up to that owner and version, then secrets up to that id."""

    owner: str = ""
    version: int = 0
    keys_done: bool = False
    credential: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """After a batch, which is committed: where to go on, and what it did. `unopened` names rows that do not open, without secrets."""

    position: Position
    rewrapped: int
    unopened: tuple[str, ...] = ()


async def rewrap_all(
    begin: Begin, vault: Vault, position: Position | None = None, *, owner: str | None = None, most: int = BATCH
) -> AsyncGenerator[Progress]:
    """Wrap users' keys and secrets by the current keys, from `position` on, `most` rows at a time; tells of each batch.

    With `owner` only that owner's secrets are (after a rotation of the owner's key). Keep the last position to go on from it later.

    Raises:
        KeysUnreachable, KeysRefused: the global key's holder does not help; the batch it happened in is as it was.
    """
    at = position or Position()
    if owner is not None:
        at = replace(at, keys_done=True)
    while not at.done:
        step = _keys(begin, vault, at, most) if not at.keys_done else _credentials(begin, vault, at, most, owner)
        progress = await step
        at = progress.position
        yield progress


async def _keys(begin: Begin, vault: Vault, at: Position, most: int) -> Progress:
    async with begin() as connection:
        rows = await vault_queries.keys_after(connection, at.owner, at.version, most)
    made = await _each(rows, vault.keys.rewrapped)
    count = 0
    async with begin() as connection:
        for row, wrapped in zip(rows, made, strict=True):
            if wrapped is not None:
                count += await vault_queries.rewrap_key(connection, row, *wrapped)
    end = replace(at, owner=rows[-1].owner, version=rows[-1].version) if rows else at
    unopened = tuple(f"key {row.version} of {row.owner}" for row, it in zip(rows, made, strict=True) if it is None)
    return Progress(replace(end, keys_done=len(rows) < most), count, unopened)


async def _credentials(begin: Begin, vault: Vault, at: Position, most: int, owner: str | None) -> Progress:
    async with begin() as connection:
        rows = await vault_queries.credentials_after(connection, at.credential, most, owner=owner)
        keys = await _keys_of(connection, rows)

    async def rewrapped(row: CredentialRow) -> bytes:
        return await vault.rewrapped(row, *keys[row.id])

    made = await _each(rows, rewrapped)
    count = 0
    async with begin() as connection:
        for row, sealed in zip(rows, made, strict=True):
            if sealed is not None:
                count += await vault_queries.rewrap_credential(connection, row, sealed)
    end = replace(at, credential=rows[-1].id) if rows else at
    unopened = tuple(f"credential {row.id} of {row.owner}" for row, it in zip(rows, made, strict=True) if it is None)
    return Progress(replace(end, done=len(rows) < most), count, unopened)


async def _keys_of(
    connection: AsyncConnection, rows: Sequence[CredentialRow]
) -> dict[int, tuple[KeyRow | None, KeyRow | None]]:
    """For each secret the row of the key that it names, and of its owner's current one."""
    current = {owner: await vault_queries.current_key(connection, owner) for owner in {row.owner for row in rows}}
    named = {row.id: (row.owner, _user_version(row)) for row in rows}
    older = {place: await vault_queries.key_of(connection, *place) for place in set(named.values())}
    return {row.id: (older[named[row.id]], current[row.owner]) for row in rows}


def _user_version(row: CredentialRow) -> int:
    try:
        return Envelope.unpacked(row.sealed).user_version
    except Sealed:
        return 0  # no key has that version: the row counts as one that does not open


async def _each(rows: Sequence[Row], make: Callable[[Row], Awaitable[Made]]) -> list[Made | None]:
    """What `make` makes of each row, several at once; `None` for a row that does not open. Any other failure ends all."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> Made | None:
        async with turns:
            try:
                return await make(row)
            except Sealed:
                return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(row)) for row in rows]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
