"""The vault of the service: keys in the database's schema `keys`, secrets sealed for `mover.credential`, the global key with a holder.

Whoever seals and opens does it over a connection of the role `mover_keys`, in a transaction of the caller's. The API's own connections
cannot read a key nor a sealed secret; they only store what was sealed (`store.vault_queries.save`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.errors import Sealed
from mover.core.secret import Secret
from mover.store import vault_queries
from mover.store.vault_queries import CredentialRow, KeyRow
from mover.vault.envelope import Envelope, Place, opened_by_user, rewrapped_by_user, sealed_by_user
from mover.vault.held_keys import HeldKeys
from mover.vault.providers.base import KeyService
from mover.vault.stored_keys import StoredKeys

GRACE: Final = 3600.0
"""Seconds for which a retired key is kept at least: a secret may have been sealed by it and not be stored yet. No transaction of the
service may last longer."""

_BATCH: Final = 500


class Vault:
    """Seals secrets of many users and opens them again. Many calls may run at once.

    All raise `KeysUnreachable` (the global key's holder is down for the moment), `KeysRefused` (it does not let us) or `BadOption` (it is
    set up wrongly); only `Sealed` says that this secret does not open.
    """

    def __init__(self, global_key: KeyService, held: HeldKeys | None = None) -> None:
        self._global = global_key
        self.keys: Final = StoredKeys(global_key, HeldKeys() if held is None else held)

    async def seal(
        self, connection: AsyncConnection, secret: Secret, *, purpose: str, owner: str, record: str
    ) -> bytes:
        """The sealed form of `secret`, which opens for this purpose, owner and record only.

        It may rest anywhere, but only what rests in `mover.credential` is wrapped anew when keys are rotated.

        Raises:
            Sealed: the owner's key cannot be opened.
        """
        place = Place(purpose, owner, record)
        user = await self.keys.current(connection, owner)
        shell, inner = sealed_by_user(secret.reveal().encode("utf-8", "surrogatepass"), place, user)
        return shell.wrapped_as(*await self._global.wrap(inner, place.outer())).packed()

    async def open(
        self, connection: AsyncConnection, sealed: bytes, *, purpose: str, owner: str, record: str
    ) -> Secret:
        """The secret inside.

        Raises:
            Sealed: it was changed, cut or moved here from another place, or a key of it is gone (the owner's may be shredded).
        """
        row = await self.keys.row(connection, owner, Envelope.unpacked(sealed).user_version)
        return await self.opened(row, sealed, purpose=purpose, owner=owner, record=record)

    async def opened(self, row: KeyRow, sealed: bytes, *, purpose: str, owner: str, record: str) -> Secret:
        """As `open`, when the row of the key that the secret names was read already (`keys.row`): needs no transaction."""
        place, envelope = Place(purpose, owner, record), Envelope.unpacked(sealed)
        user = await self.keys.opened(row)
        inner = await self._global.unwrap(envelope.key_id, envelope.wrapped, place.outer())
        return Secret(opened_by_user(envelope, inner, place, user).decode("utf-8", "surrogatepass"))

    async def rewrap(
        self, connection: AsyncConnection, sealed: bytes, *, purpose: str, owner: str, record: str
    ) -> bytes:
        """The same secret under the current keys; the ciphertext inside is the same. Raises `Sealed`, as `open`."""
        before = await vault_queries.key_of(connection, owner, Envelope.unpacked(sealed).user_version)
        current = await vault_queries.current_key(connection, owner)
        return await self.rewrapped(CredentialRow(0, owner, purpose, record, sealed, 0), before, current)

    async def rewrapped(self, row: CredentialRow, before: KeyRow | None, current: KeyRow | None) -> bytes:
        """As `rewrap`, when the rows of the keys were read already: of the version that the secret names, and of the current one.

        Raises:
            Sealed: as `open`; and when one of the two is not there.
        """
        if before is None or current is None:
            raise Sealed("the key of a secret's owner is not there: it was shredded, or the secret is another's")
        place, envelope = Place(row.purpose, row.owner, row.record), Envelope.unpacked(row.sealed)
        inner = await self._global.unwrap(envelope.key_id, envelope.wrapped, place.outer())
        old, new = await self.keys.opened(before), await self.keys.opened(current)
        shell, inner = rewrapped_by_user(envelope, inner, place, old, new)
        return shell.wrapped_as(*await self._global.wrap(inner, place.outer())).packed()

    async def rotate_global_key(self) -> str:
        """Make a new global key; its id. What was sealed still opens. Then wrap all rows anew: `rotation.rewrap_all`."""
        return await self._global.rotate()

    async def rotate_user_key(self, connection: AsyncConnection, owner: str) -> int:
        """Make a new key for the owner; its version. What was sealed still opens. Then `rotation.rewrap_all` for this owner."""
        return await self.keys.rotate(connection, owner)

    async def retire_user_keys(
        self, connection: AsyncConnection, owner: str, *, grace: float = GRACE
    ) -> tuple[int, ...]:
        """Destroy the owner's keys that seal no more and that no sealed secret needs; their versions.

        They must have been replaced more than `grace` seconds ago, by the database's clock.
        """
        needed = await _versions_in_use(connection, owner)
        idle = [v for v in await vault_queries.retired_versions(connection, owner) if v not in needed]
        return tuple([v for v in idle if await vault_queries.destroy_key(connection, owner, v, grace)])

    async def shred(self, connection: AsyncConnection, owner: str) -> int:
        """Destroy the owner's keys; how many there were.

        Nothing sealed for the owner opens ever again once the transaction ends, in no backup of what was sealed either. Backups of the
        schema `keys` must expire for that to be so.
        """
        return await self.keys.shred(connection, owner)


async def _versions_in_use(connection: AsyncConnection, owner: str) -> set[int]:
    used: set[int] = set()
    after = 0
    while rows := await vault_queries.credentials_after(connection, after, _BATCH, owner=owner):
        used |= {Envelope.unpacked(row.sealed).user_version for row in rows}
        after = rows[-1].id
    return used
