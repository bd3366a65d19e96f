"""A database whose audit log is empty, made by its owner, and the roles that use it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from secrets import token_hex

import pytest
from sqlalchemy import MetaData, text
from tests.audit.making import Log
from tests.postgres import Postgres

from mover.store.audit_log import TABLES, TRIGGERS
from mover.store.database import Database
from mover.store.roles import API, AUDITOR, OWNER, grant, make_roles, make_schemas

PASSWORD = token_hex()


@pytest.fixture
async def log(postgres: Postgres) -> AsyncGenerator[Log]:
    """An empty log, and a connection pool for each role."""
    with postgres.database() as url:
        name = str(url.database)
        async with AsyncExitStack() as stack:
            superuser = await stack.enter_async_context(Database(postgres.url_of("postgres", name)))
            async with superuser.transaction() as connection:
                await make_roles(connection)
                await make_schemas(connection, name)
                for role in (API, AUDITOR, OWNER):
                    await connection.execute(text(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'"))
            pools = [
                await stack.enter_async_context(Database(url.set(username=role, password=PASSWORD)))
                for role in (API, AUDITOR, OWNER)
            ]
            await _make(pools[2])
            yield Log(*pools, superuser)


async def _make(owner: Database) -> None:
    ours = MetaData(schema="mover")
    for table in TABLES:
        table.to_metadata(ours)
    async with owner.transaction() as connection:
        await connection.run_sync(ours.create_all)
        for statement in TRIGGERS:
            await connection.execute(text(statement))
        await grant(connection, ours)
