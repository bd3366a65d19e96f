"""What migrations make is what the tables say."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from mover.store.database import Database
from mover.store.schema import METADATA
from mover.store.tables.base import SCHEMA


@pytest.mark.anyio
async def test_the_migrations_make_the_tables(fresh_database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {
            "include_schemas": True,
            "version_table": "schema_version",
            "version_table_schema": SCHEMA,
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "schema" or name in {SCHEMA, "keys"},
        }
        connection.dialect.default_schema_name = "public"  # else it is the role's namesake, and Alembic leaves it out
        return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)

    assert {"mover.audit_entry", "keys.user_key", "mover.batch"} <= set(METADATA.tables)
    async with fresh_database.alone() as connection:
        assert await connection.run_sync(differences) == []
