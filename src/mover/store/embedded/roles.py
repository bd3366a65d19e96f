"""Mover's roles and its database, inside the server that Mover runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from psycopg import AsyncConnection, OperationalError, pq, sql

from mover.store.embedded.cluster import SUPERUSER

DATABASE: Final = "mover"
"""The name of the database, and of the role that owns it."""


class WrongPassword(Exception):
    """The server does not know the superuser's password."""


async def answers(socket: Path, password: str) -> bool:
    """Whether the server lets us in.

    Raises:
        WrongPassword: it does not know the password.
    """
    try:
        connection = await _superuser(socket, password)
    except OperationalError as error:
        if "password authentication failed" in str(error):
            raise WrongPassword from None
        return False
    await connection.close()
    return True


async def ensure(socket: Path, passwords: Mapping[str, str], roles: Sequence[str]) -> None:
    """Have the database and every role there, each with its password; roles are no superusers and may do what the database grants them."""
    async with await _superuser(socket, passwords[SUPERUSER]) as connection:
        for role in roles:
            known = await _any(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role)
            begin = sql.SQL("ALTER ROLE {} " if known else "CREATE ROLE {} ").format(sql.Identifier(role))
            limits = sql.SQL("LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD ")
            await connection.execute(sql.Composed([begin, limits, sql.Literal(verifier(role, passwords[role]))]))
            # Errors of our statements are told to us, and may name a value: the log is for the server's own.
            await connection.execute(sql.SQL("ALTER ROLE {} SET log_min_messages = log").format(sql.Identifier(role)))
        name, owner = sql.Identifier(DATABASE), sql.Identifier(roles[0])
        if not await _any(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            await connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
        await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        for role in roles:
            await connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(role)))


def verifier(role: str, password: str) -> str:
    """What the server keeps of a password (RFC 5803): it goes to the server in place of the password, which so is in no log."""
    # libpq makes it without a connection if it is told the algorithm.
    made = pq.PGconn.connect_start(b"host=/").encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return made.decode()


async def _superuser(socket: Path, password: str) -> AsyncConnection:
    return await AsyncConnection.connect(
        host=str(socket),
        port=5432,
        user=SUPERUSER,
        password=password,
        dbname="postgres",
        connect_timeout=5,
        application_name="mover supervisor",
        autocommit=True,
    )


async def _any(connection: AsyncConnection, query: str, value: str) -> bool:
    return await (await connection.execute(query.encode(), [value])).fetchone() is not None
