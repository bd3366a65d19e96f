"""One PostgreSQL for the tests of a process, and a fresh, migrated database for each test that asks for one.

    @pytest.mark.anyio
    async def test_it(fresh_database: Database) -> None:
        async with fresh_database.transaction() as connection: ...

`database_url` is the address alone. The server is Mover's own embedded one, without fsync; a database is a copy of a migrated template
(some 30 ms), and is dropped after the test. What needs a server of its own (kill -9, settings) starts an `EmbeddedPostgres` itself.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from anyio.from_thread import start_blocking_portal
from tests.running import MUST_RUN, SITES_HOME

if TYPE_CHECKING:  # tests without a database do not wait for these
    from sqlalchemy.engine import URL

    from mover.store.database import Database
    from mover.store.embedded import EmbeddedPostgres

TEMPLATE: Final = "migrated"


class Postgres:
    """The running server."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._numbers = itertools.count(1)

    def url_of(self, role: str, database: str) -> URL:
        """How to reach a database as a role; `postgres` is the superuser."""
        return self._server.url_of(role, database)

    @contextmanager
    def database(self, template: str = "template0") -> Generator[URL]:
        """A database of its own for the block, which belongs to the role `mover`: empty, or a copy of another one."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} OWNER mover TEMPLATE {template}")
        try:
            yield self.url_of("mover", name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the superuser."""
        import psycopg

        url = self.url_of("postgres", database)
        parts = {"user": url.username, "password": url.password, "dbname": url.database, "host": str(url.query["host"])}
        with psycopg.connect(**parts, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def public_folder() -> Generator[Path]:
    """A folder that a server running as another user may enter (pytest's own is closed to it)."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir=os.environ[SITES_HOME]) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """The server of this process, with the migrated template in it."""
    from mover.store.database import Database
    from mover.store.embedded import EmbeddedPostgres
    from mover.store.migrations import upgrade

    async def migrate(url: URL) -> None:
        async with Database(url) as database:
            await upgrade(database)

    with public_folder() as folder, start_blocking_portal("asyncio") as portal:
        server = EmbeddedPostgres(folder / "database", durable=False, settings={"shared_buffers": "64MB"})
        with portal.wrap_async_context_manager(server):
            running = Postgres(server)
            running.run(f"CREATE DATABASE {TEMPLATE} OWNER mover TEMPLATE template0")
            portal.call(migrate, running.url_of("mover", TEMPLATE))
            yield running


@pytest.fixture
def database_url(postgres: Postgres) -> Generator[URL]:
    """The address of a fresh database with today's schema."""
    with postgres.database(TEMPLATE) as url:
        yield url


@pytest.fixture
async def fresh_database(database_url: URL) -> AsyncGenerator[Database]:
    """A fresh database with today's schema, open."""
    from mover.store.database import Database

    async with Database(database_url) as database:
        yield database


def debian_programs() -> Path:
    """The folder of Debian's PostgreSQL programs, of the newest version. Skips, or fails under MOVER_MUST_RUN, where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parents[1].name))
    if found:
        return found[-1].parent
    if MUST_RUN & {"postgresql", "all"}:
        raise AssertionError("postgresql must run here: install Debian's package postgresql")
    pytest.skip("postgresql: install Debian's package postgresql")
