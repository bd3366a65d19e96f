"""A database with the vault's tables, our roles and what they may do, and a login for each of them. Not shared: each test has its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import MetaData, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from tests.postgres import Postgres

from mover.store.embedded.roles import verifier
from mover.store.roles import ROLES, grant, make_roles, make_schemas

PASSWORDS = {role: secrets.token_urlsafe(16) for role in ROLES}
"""Roles are a server's, not a database's, so all tests of a process log in by the same."""


@dataclass
class Logins:
    """Engines by role; `postgres` is the superuser's."""

    by_role: dict[str, AsyncEngine]

    def __getitem__(self, role: str) -> AsyncEngine:
        return self.by_role[role]


@asynccontextmanager
async def logins(server: Postgres, metadata: MetaData) -> AsyncGenerator[Logins]:
    """A fresh database: made by a superuser, its tables by `mover_owner`, granted by what they declare."""
    async with AsyncExitStack() as stack:
        name = str(stack.enter_context(server.database()).database)
        by_role = {"postgres": create_async_engine(server.url_of("postgres", name))}
        stack.push_async_callback(by_role["postgres"].dispose)
        async with by_role["postgres"].begin() as connection:
            await make_roles(connection)
            await make_schemas(connection, name)
            for role, password in PASSWORDS.items():
                await connection.execute(text(f"ALTER ROLE {role} PASSWORD '{_literal(verifier(role, password))}'"))
        for role in ROLES:
            by_role[role] = create_async_engine(_url(server, name, role), hide_parameters=True)
            stack.push_async_callback(by_role[role].dispose)
        async with by_role["mover_owner"].begin() as connection:
            await _made(connection, metadata)
        yield Logins(by_role)


async def _made(connection: AsyncConnection, metadata: MetaData) -> None:
    await connection.run_sync(metadata.create_all)
    await grant(connection, metadata)


def _url(server: Postgres, database: str, role: str) -> URL:
    return server.url_of("postgres", database).set(username=role, password=PASSWORDS[role])


def _literal(value: str) -> str:
    return value.replace(":", "\\:")
