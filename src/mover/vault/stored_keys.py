"""Users' keys in the database, wrapped by the global key. Functions work in the caller's transaction, as the role `mover_keys`."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.errors import KeysUnreachable, Sealed
from mover.crypto.aead import KEY, new_key, same
from mover.store import vault_queries
from mover.store.vault_queries import KeyRow
from mover.vault.envelope import Place, UserKey
from mover.vault.held_keys import HeldKeys
from mover.vault.providers.base import KeyService


class StoredKeys:
    """Makes users' keys, opens them, wraps them anew."""

    def __init__(self, global_key: KeyService, held: HeldKeys) -> None:
        self._global = global_key
        self._held = held

    async def current(self, connection: AsyncConnection, owner: str) -> UserKey:
        """The owner's key to seal with; the first call makes it.

        Raises:
            Sealed: it was changed, or its global key is gone.
            KeysUnreachable, KeysRefused: the global key's holder does not help.
        """
        row = await vault_queries.current_key(connection, owner)
        return await (self._first(connection, owner) if row is None else self.opened(row))

    async def row(self, connection: AsyncConnection, owner: str, version: int) -> KeyRow:
        """That version of the owner's key, as it rests.

        Raises:
            Sealed: it was shredded, or never was.
        """
        row = await vault_queries.key_of(connection, owner, version)
        if row is None:
            self._held.drop(owner)
            raise Sealed("the key of a secret's owner is not there: it was shredded, or the secret is another's")
        return row

    async def opened(self, row: KeyRow) -> UserKey:
        """The key of a row. Raises as `current`."""
        key = self._held.get(row)
        if key is None:
            key = await self._global.unwrap(row.key_id, row.wrapped, _context(row.owner, row.version))
            if len(key) != KEY:
                raise Sealed("a user's key is damaged")
            self._held.put(row, key)
        return UserKey(row.version, key)

    async def rotate(self, connection: AsyncConnection, owner: str) -> int:
        """Make a new current key for the owner; older ones still open. Answers its version. Raises as `current`."""
        version = await vault_queries.newest_version(connection, owner) + 1
        await self._add(connection, owner, version)
        return version

    async def rewrapped(self, row: KeyRow) -> tuple[str, bytes]:
        """The same key wrapped by the current global key: that key's id, the wrapped bytes. Raises as `current`."""
        user = await self.opened(row)
        return await self._wrapped(row.owner, row.version, user.key)

    async def shred(self, connection: AsyncConnection, owner: str) -> int:
        """Destroy all of the owner's keys; how many there were."""
        self._held.drop(owner)
        return await vault_queries.shred(connection, owner)

    async def _first(self, connection: AsyncConnection, owner: str) -> UserKey:
        newest = await vault_queries.newest_version(connection, owner)
        row = await vault_queries.current_key(connection, owner)  # another process may have been quicker
        return await (self._add(connection, owner, newest + 1) if row is None else self.opened(row))

    async def _add(self, connection: AsyncConnection, owner: str, version: int) -> UserKey:
        key = new_key()
        key_id, wrapped = await self._wrapped(owner, version, key)
        await vault_queries.add_key(connection, KeyRow(owner, version, key_id, wrapped))
        return UserKey(version, key)

    async def _wrapped(self, owner: str, version: int, key: bytes) -> tuple[str, bytes]:
        """Wrapped, and unwrapped once to see that it opens: all the owner's secrets hang on it."""
        key_id, wrapped = await self._global.wrap(key, _context(owner, version))
        if not same(await self._global.unwrap(key_id, wrapped, _context(owner, version)), key):
            raise KeysUnreachable("the holder of the global key does not give back what it wrapped")
        return key_id, wrapped


def _context(owner: str, version: int) -> bytes:
    return Place("user-key", owner, str(version)).bound("user-key")
