"""Secrets of connections and uploads, sealed and opened over connections of the keys' own role."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from mover.core.errors import Sealed
from mover.core.secret import Secret
from mover.store import vault_queries
from mover.store.database import Database
from mover.store.lease_facts import EndFacts
from mover.vault.sealing import Vault
from mover.wire.text import raw, text

CONNECTION: Final = "connection"
UPLOAD: Final = "upload"
TOTP: Final = "totp"
PEPPER: Final = "pepper"
"""Purposes; what is sealed for one opens for no other."""


SERVICE: Final = "service"
"""Whose secrets are nobody's in particular."""


def owner_of(account: int) -> str:
    """How the vault names an account."""
    return f"account-{account}"


class ServiceSecrets:
    """See the module. `keys` is the database as the role that may read keys and sealed secrets, `store` as the one that adds them."""

    def __init__(self, keys: Database, vault: Vault, store: Database) -> None:
        self._store = store
        self._keys = keys
        self._vault = vault
        self._pepper: bytes | None = None

    async def seal_connection(self, account: int, connection: int, values: Mapping[str, Secret]) -> bytes:
        """All secrets of a connection in one sealed form, to be saved in the caller's transaction."""
        plain = msgspec.json.encode({name: raw(secret.reveal()) for name, secret in values.items()}).decode()
        return await self._seal(account, CONNECTION, str(connection), Secret(plain))

    async def of_connection(self, end: EndFacts) -> dict[str, str]:
        """The secrets of a saved connection, by option.

        Raises:
            Sealed: they were changed, or a key is gone.
            KeysUnreachable, KeysRefused: the global key's holder does not help.
        """
        owner, record = owner_of(end.owner), str(end.connection)
        async with self._keys.read() as connection:
            row = await vault_queries.credential_at(connection, owner, CONNECTION, record)
            if row is None:
                return {}
            secret = await self._vault.open(connection, row.sealed, purpose=CONNECTION, owner=owner, record=record)
        found = msgspec.json.decode(secret.reveal(), type=dict[str, bytes])
        return {name: text(value) for name, value in found.items()}

    async def seal_upload(self, account: int, pair: int, state: bytes) -> bytes:
        """The sealed state of an upload of a pair."""
        return await self._seal(account, UPLOAD, str(pair), Secret(text(state)))

    async def open_upload(self, account: int, pair: int, sealed: bytes) -> bytes | None:
        """The state; `None` if a key of it is gone: the upload begins anew."""
        try:
            async with self._keys.read() as connection:
                secret = await self._vault.open(
                    connection, sealed, purpose=UPLOAD, owner=owner_of(account), record=str(pair)
                )
        except Sealed:
            return None
        return raw(secret.reveal())

    async def seal_totp(self, account: int, number: int, secret: Secret) -> bytes:
        """The sealed secret of one-time codes, to be saved in the caller's transaction."""
        return await self._seal(account, TOTP, str(number), secret)

    async def open_totp(self, account: int, number: int) -> Secret | None:
        """The secret of one-time codes; `None` if there is none. Raises as `of_connection`."""
        owner, record = owner_of(account), str(number)
        async with self._keys.read() as connection:
            row = await vault_queries.credential_at(connection, owner, TOTP, record)
            if row is None:
                return None
            return await self._vault.open(connection, row.sealed, purpose=TOTP, owner=owner, record=record)

    async def shred(self, account: int) -> int:
        """Destroy an account's keys: what was sealed by them never opens again. How many there were."""
        async with self._keys.transaction() as connection:
            return await self._vault.shred(connection, owner_of(account))

    async def pepper(self) -> bytes:
        """32 secret bytes of the whole service, without which no API key can be proved; made when they are first asked for."""
        if self._pepper is None:
            self._pepper = await self._stored_pepper()
        return self._pepper

    async def _stored_pepper(self) -> bytes:
        found = await self._kept_pepper()
        if found is None:
            made = Secret(secrets.token_hex(32))
            async with self._keys.transaction() as connection:
                sealed = await self._vault.seal(connection, made, purpose=PEPPER, owner=SERVICE, record=PEPPER)
            async with self._store.transaction() as connection:  # the keys' role adds no secrets
                await vault_queries.first(connection, SERVICE, PEPPER, PEPPER, sealed)
            found = await self._kept_pepper()
        if found is None:
            raise Sealed("the service's pepper is gone")
        return bytes.fromhex(found.reveal())

    async def _kept_pepper(self) -> Secret | None:
        async with self._keys.read() as connection:
            row = await vault_queries.credential_at(connection, SERVICE, PEPPER, PEPPER)
            if row is None:
                return None
            return await self._vault.open(connection, row.sealed, purpose=PEPPER, owner=SERVICE, record=PEPPER)

    async def _seal(self, account: int, purpose: str, record: str, secret: Secret) -> bytes:
        async with self._keys.transaction() as connection:
            return await self._vault.seal(connection, secret, purpose=purpose, owner=owner_of(account), record=record)
