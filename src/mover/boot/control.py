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
from mover.core.errors import DatabaseUnreachable
from mover.service.desk import Desk
from mover.service.leases import Leases
from mover.service.runners import Enrolments
from mover.service.secrets import ServiceSecrets
from mover.store import roles
from mover.store.database import Database
from mover.store.embedded import EmbeddedPostgres
from mover.store.migrations import upgrade
from mover.store.schema import METADATA
from mover.vault.files import private_folder
from mover.vault.providers.base import in_threads
from mover.vault.providers.file import FileGlobalKey
from mover.vault.sealing import Vault
from mover.work.queue import migrate, open_queue
from mover.work.reconcile import Reconciler

_AWAY: Final = 60.0
"""Seconds that a start waits for a database that does not answer."""

_MIGRATING: Final = 0x6D6F7665_64626F73


@dataclass(frozen=True, slots=True)
class Urls:
    """The database as its owner, as the API and as who holds the keys; an operator's own may be one and the same."""

    owner: str | URL
    api: str | URL
    keys: str | URL


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
        urls = Urls(*[database_url] * 3) if database_url else await _embedded(home, stack)
        await _prepared_patiently(urls, ours=database_url is None)
        database = await stack.enter_async_context(Database(urls.api))
        keys = await stack.enter_async_context(Database(urls.keys, connections=8))
        private_folder(home.made().keys)
        holder = await stack.enter_async_context(in_threads(FileGlobalKey(home.keys / "global.json")))
        secrets = ServiceSecrets(keys, Vault(holder), database)
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


async def _embedded(home: ServiceHome, stack: AsyncExitStack) -> Urls:
    postgres = EmbeddedPostgres(home.made().database, roles=roles.ROLES)
    await stack.enter_async_context(postgres)
    return Urls(postgres.url, postgres.url_of(roles.API), postgres.url_of(roles.KEYS))


async def _prepared_patiently(urls: Urls, *, ours: bool) -> None:
    """A database that is only being started is waited for."""
    until = asyncio.get_running_loop().time() + _AWAY
    while True:  # until it is there, or away for too long
        try:
            await _prepared(urls, ours=ours)
        except DatabaseUnreachable:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(1)
        else:
            return


async def _prepared(urls: Urls, *, ours: bool) -> None:
    """The schemas as this Mover wants them, by one process at a time; in our own PostgreSQL each role with its rights and no others."""
    async with Database(urls.owner) as database:
        await upgrade(database)
        async with database.alone() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATING})
            await connection.commit()
            await migrate(database.url, roles.API if ours else None)
        if ours:
            async with database.transaction() as connection:
                await roles.grant(connection, METADATA)
                await roles.grant_partitions(connection)
