"""Puts the control plane together: database, vault, durable work and use-cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, text

from mover.boot.service_home import ServiceHome
from mover.core.clock import SystemClock
from mover.service.desk import Desk
from mover.service.leases import Leases
from mover.service.runners import Enrolments
from mover.service.secrets import ServiceSecrets
from mover.store.database import Database
from mover.store.embedded import EmbeddedPostgres
from mover.store.migrations import upgrade
from mover.vault.files import private_folder
from mover.vault.providers.base import in_threads
from mover.vault.providers.file import FileGlobalKey
from mover.vault.sealing import Vault
from mover.work.queue import migrate, open_queue
from mover.work.reconcile import Reconciler

_MIGRATING: Final = 0x6D6F7665_64626F73


@dataclass(frozen=True, slots=True)
class Control:
    """What the apps are made of."""

    desk: Desk
    leases: Leases
    enrolments: Enrolments


@asynccontextmanager
async def control(
    home: ServiceHome, database_url: str | None = None, *, local_paths: bool = False
) -> AsyncGenerator[Control]:
    """A control plane at work, on the embedded database unless an operator's is named.

    Raises:
        MoverError: the database or the keys cannot be used.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        url: str | URL
        if database_url is None:
            postgres = await stack.enter_async_context(EmbeddedPostgres(home.made().database))
            url = postgres.url
        else:
            url = database_url
        database = await stack.enter_async_context(Database(url))
        await upgrade(database)
        await _migrate_queue(database)
        private_folder(home.made().keys)
        holder = await stack.enter_async_context(in_threads(FileGlobalKey(home.keys / "global.json")))
        secrets = ServiceSecrets(database, Vault(holder))
        queue = await stack.enter_async_context(open_queue(database, database.url))
        reconciler = Reconciler(database, queue)
        keeping = asyncio.create_task(reconciler.forever())
        try:
            desk = Desk(database, secrets, reconciler.wake, clock, local_paths)
            yield Control(desk, Leases(database, secrets, reconciler, clock), Enrolments(database, clock))
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


async def _migrate_queue(database: Database) -> None:
    """The queue's own tables, by one process at a time."""
    async with database.alone() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATING})
        await connection.commit()
        await migrate(database.url)
