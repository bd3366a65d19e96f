"""Brings a database's schema to where this Mover wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.errors import DatabaseContended, DatabaseUnfit
from mover.store.database import Database
from mover.store.tables.base import SCHEMA

OLDEST: Final = 14
"""The oldest major version of PostgreSQL that Mover works with."""

_HERE: Final = Path(__file__).parent
_LOCK: Final = 0x6D6F766572  # "mover"; pg_advisory_lock's key within the database
_LOCK_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 0.2

WHERE: Final[dict[str, Any]] = {"version_table": "schema_version", "version_table_schema": SCHEMA}
"""Where Alembic keeps which migrations were applied."""


async def upgrade(database: Database, *, versions: Path = _HERE / "versions") -> list[str]:
    """Apply the migrations that the database has not seen, each in a transaction of its own; answers their numbers.

    Any number of processes may call this at once: one works, the others wait for it, then find nothing to do. A migration that fails
    leaves nothing of itself, and those before it stay.

    Raises:
        DatabaseUnfit: the server is too old or does not speak UTF-8, or the schema was made by a newer Mover.
        DatabaseContended: another process has been migrating for a quarter of an hour.
        DatabaseFailed: as `Database.transaction`.
    """
    async with database.alone() as connection:
        await _check_server(connection, database.place)
        async with _one_at_a_time(connection, database.place):
            return await connection.run_sync(_upgrade, versions, database.place)


async def _check_server(connection: AsyncConnection, place: str) -> None:
    query = text("SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')")
    major, encoding = (await connection.execute(query)).one()
    await connection.rollback()
    if major < OLDEST:
        raise DatabaseUnfit(
            f"{place} is PostgreSQL {major}, and Mover needs {OLDEST} or newer",
            advice="Upgrade the server (pg_upgrade keeps all data), or name another one in database_url.",
        )
    if encoding != "UTF8":
        raise DatabaseUnfit(
            f"{place} keeps text as {encoding}, which cannot hold every file's name",
            advice="Make the database with ENCODING 'UTF8' TEMPLATE template0.",
        )


@asynccontextmanager
async def _one_at_a_time(connection: AsyncConnection, place: str) -> AsyncGenerator[None]:
    """Hold the lock of the session. Asked for again and again: to wait for it would fall to the time limit of locks."""
    clock = asyncio.get_running_loop().time
    until = clock() + _LOCK_SECONDS
    while not await _asked(connection, "pg_try_advisory_lock"):
        if clock() > until:
            raise DatabaseContended(f"{place}: another process has been migrating the schema for a long time")
        await asyncio.sleep(_POLL_SECONDS)
    # It goes with the connection, which is ours alone.
    yield


async def _asked(connection: AsyncConnection, function: str) -> bool:
    done = (await connection.execute(text(f"SELECT {function}(:key)"), {"key": _LOCK})).scalar_one()
    await connection.commit()
    return bool(done)


def _upgrade(connection: Connection, versions: Path, place: str) -> list[str]:
    config = Config()
    config.set_main_option("script_location", _plain(_HERE))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _plain(versions))
    # Alembic's own table lies in the schema, so the schema must be there before the first migration.
    with connection.begin():
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    with connection.begin():
        current = MigrationContext.configure(connection, opts=WHERE).get_current_heads()
    script = ScriptDirectory.from_config(config)
    _refuse_newer(script, current, place)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return [step.revision for step in script.iterate_revisions("head", current or "base")][::-1]


def _plain(path: Path) -> str:
    """A setting of Alembic's: a percent sign in it would begin a reference."""
    return str(path).replace("%", "%%")


def _refuse_newer(script: ScriptDirectory, current: tuple[str, ...], place: str) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if unknown := sorted(set(current) - known):
        raise DatabaseUnfit(
            f"{place}: its schema ({', '.join(unknown)}) is newer than this Mover knows ({script.get_current_head()})",
            advice="Start the newer Mover again, or restore the backup that was taken before the upgrade.",
        )
