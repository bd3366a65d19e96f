"""What whoever has the server's own files in hand may do beside a running service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mover.boot.service_home import ServiceHome
from mover.core.clock import SystemClock
from mover.core.secret import Secret
from mover.service import accounts, keys
from mover.service.desk import Desk
from mover.service.secrets import ServiceSecrets
from mover.store.database import Database
from mover.store.embedded.beside import url_beside
from mover.store.roles import API, KEYS
from mover.vault.providers.base import in_threads
from mover.vault.providers.file import FileGlobalKey
from mover.vault.sealing import Vault


@asynccontextmanager
async def desk_beside(home: ServiceHome, database_url: str | None = None) -> AsyncGenerator[Desk]:
    """The use-cases, on the database of the service that runs in `home`, or on an operator's. Raises `DatabaseUnreachable` if none does."""
    async with (
        Database(database_url or url_beside(home.database, API), connections=2) as database,
        Database(database_url or url_beside(home.database, KEYS), connections=2) as keys_database,
        in_threads(FileGlobalKey(home.keys / "global.json")) as holder,
    ):
        secrets = ServiceSecrets(keys_database, Vault(holder), database)
        yield Desk(database, secrets, lambda: None, SystemClock())


async def new_key(home: ServiceHome, account: str, name: str, database_url: str | None = None) -> Secret:
    """A key that may all that the account may.

    Raises:
        UnknownThing: there is no such account.
        DatabaseUnreachable: no service runs there.
    """
    async with desk_beside(home, database_url) as desk:
        actor = await accounts.acting_for(desk, account)
        made = await keys.add(desk, actor, name, sorted(actor.may, key=lambda permission: permission.value))
        return made.secret
