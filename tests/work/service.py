"""A small service in one process for tests: store, queue, reconciler, leases, and runners that speak to it without a network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from mover.core.clock import SystemClock
from mover.crypto.boxes import new_box_key
from mover.runner.runner import Runner
from mover.service.leases import KnownRunner, Leases
from mover.spool.spool import Spool
from mover.store import batches, items, runs
from mover.store.database import Database
from mover.store.lease_facts import EndFacts
from mover.wire.messages import JournalAnswer, JournalRequest, LeaseAnswer, LeaseRequest
from mover.work.queue import migrate, open_queue
from mover.work.reconcile import Reconciler


class PlainSecrets:
    """Connections without secrets; upload states as they are."""

    async def of_connection(self, end: EndFacts) -> dict[str, str]:
        return {}

    async def seal_upload(self, account: int, pair: int, state: bytes) -> bytes:
        return state

    async def open_upload(self, account: int, pair: int, sealed: bytes) -> bytes | None:
        return sealed


class Direct:
    """The two verbs without a network; `away` makes it unreachable."""

    def __init__(self, leases: Leases, runner: KnownRunner) -> None:
        self.leases = leases
        self.runner = runner

    async def lease(self, request: LeaseRequest) -> LeaseAnswer:
        return await self.leases.give(self.runner, request)

    async def journal(self, request: JournalRequest) -> JournalAnswer:
        return await self.leases.take(self.runner, request)


class Service:
    """What a test drives."""

    def __init__(self, database: Database, leases: Leases, reconciler: Reconciler) -> None:
        self.database = database
        self.leases = leases
        self.reconciler = reconciler

    async def account(self, name: str = "ada") -> int:
        async with self.database.transaction() as connection:
            query = text("INSERT INTO mover.account (name, role) VALUES (:name, 'owner') RETURNING id")
            return (await connection.execute(query, {"name": name})).scalar_one()

    async def migration(self, owner: int, source: Path, destination: Path, **settings: Any) -> int:
        """A migration of one pair between two folders of this machine."""
        async with self.database.transaction() as connection:
            ends: list[int] = []
            for name, path in (("from", source), ("to", destination)):
                query = text("""
                    INSERT INTO mover.connection (owner, name, connector, options)
                    VALUES (:owner, :name, 'local', CAST(:options AS jsonb)) RETURNING id""")
                given = {
                    "owner": owner,
                    "name": f"{name}-{secrets.token_hex(4)}",
                    "options": json.dumps({"path": str(path)}),
                }
                ends.append((await connection.execute(query, given)).scalar_one())
            query = text("""
                INSERT INTO mover.migration (owner, name, source, destination, settings)
                VALUES (:owner, :name, :source, :destination, CAST(:settings AS jsonb)) RETURNING id""")
            name = f"migration-{secrets.token_hex(4)}"
            given = {
                "owner": owner,
                "name": name,
                "source": ends[0],
                "destination": ends[1],
                "settings": json.dumps(settings),
            }
            migration = (await connection.execute(query, given)).scalar_one()
            await items.add_partition(connection, migration)
            query = text(
                "INSERT INTO mover.pair (migration, source_path, destination_path, mark) VALUES (:m, '', '', :mark)"
            )
            await connection.execute(query, {"m": migration, "mark": secrets.token_hex(8)})
            return migration

    async def begin(self, migration: int, *, dry_run: bool = False) -> int:
        async with self.database.transaction() as connection:
            run, _ = await runs.begin(connection, migration, dry_run=dry_run, bytes_per_second=None)
            pairs = (
                await connection.execute(text("SELECT id FROM mover.pair WHERE migration = :m"), {"m": migration})
            ).scalars()
            for pair in list(pairs):
                await batches.add(connection, run, pair, "scan")
        self.reconciler.wake()
        return run

    async def count(self, work: str) -> int:
        """How many batches of a kind there are."""
        async with self.database.read() as connection:
            query = text("SELECT count(*) FROM mover.batch WHERE work = :work")
            return (await connection.execute(query, {"work": work})).scalar_one()

    async def run(self, run: int) -> runs.Run:
        async with self.database.read() as connection:
            found = await runs.get(connection, run)
            assert found is not None
            return found

    async def ended(self, run: int, seconds: float = 60) -> runs.Run:
        """Wait until the run has come to rest."""
        async with asyncio.timeout(seconds):
            while (found := await self.run(run)).state in {"running", "pausing", "stopping"}:  # noqa: ASYNC110  # rows tell nobody
                await asyncio.sleep(0.1)
            return found

    @asynccontextmanager
    async def runner(self, folder: Path, name: str = "one") -> AsyncGenerator[Runner]:
        """A runner at work."""
        private, public = new_box_key()
        async with Spool.open(folder / f"spool-{name}", quota=64 << 20, memory=4) as spool:
            plane = Direct(self.leases, KnownRunner(name, public, None))
            runner = Runner(plane, private, spool, SystemClock())
            working = asyncio.create_task(runner.run())
            try:
                yield runner
            finally:
                runner.stop()
                await working


@asynccontextmanager
async def service(database: Database) -> AsyncGenerator[Service]:
    """The control plane of a test."""
    await migrate(database.url)
    async with open_queue(database, database.url) as queue:
        reconciler = Reconciler(database, queue)
        keeping = asyncio.create_task(reconciler.forever())
        try:
            yield Service(database, Leases(database, PlainSecrets(), reconciler, SystemClock()), reconciler)
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
