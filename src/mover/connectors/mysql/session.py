"""One connection to the server, driven by a thread of its own, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from pymysql.connections import Connection
from pymysql.cursors import SSCursor
from pymysql.err import Error

from mover.connectors.mysql.errors import translated
from mover.core.errors import BadOption
from mover.core.options import Options
from mover.net.tls import context_with

T = TypeVar("T")
Row = tuple[bytes | None, ...]

CONNECT_SECONDS: Final = 30.0
SILENT_SECONDS: Final = 3600.0
"""How long the server may work on one statement (an index of a large table) before we take the connection for dead."""


class NoClearPassword:
    """Refuses to send the password itself, where no TLS would protect it."""

    def __init__(self, connection: object) -> None:
        del connection

    def authenticate(self, packet: object) -> object:
        """Called when the server asks for the clear password."""
        del packet
        raise Error(1251, "the server asks for the password itself, and this connection has no TLS")


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, and as whom."""

    options: Options

    def connection(self, database: str | None) -> Connection[SSCursor]:
        """Open a connection; blocks. Rows come unbuffered, every value as the server sent it."""
        secret = self.options.secret("password")
        encrypted = self.options.text("tls") != "off"
        return Connection(
            host=self.options.must("host"),
            port=self.options.number("port") or 3306,
            user=self.options.must("user"),
            password=secret.reveal().encode() if secret else b"",
            database=database,
            charset="utf8mb4",
            use_unicode=False,
            conv={},
            cursorclass=SSCursor,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=SILENT_SECONDS,
            write_timeout=SILENT_SECONDS,
            autocommit=True,
            local_infile=False,
            program_name="mover",
            ssl=context_with(self.options.text("ca_file")) if encrypted else None,
            ssl_disabled=not encrypted,
            auth_plugin_map={} if encrypted else {"mysql_clear_password": NoClearPassword, "dialog": NoClearPassword},
        )


class Session:
    """Statements run one after the other, in the order they were asked for; leaving one early does not disturb the next."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._thread = ThreadPoolExecutor(1, "mysql")
        self._connection: Connection[SSCursor] | None = None
        self.lock = asyncio.Lock()

    async def open(self, database: str | None = None) -> None:
        """Connect. Raises the link errors: `Unreachable`, `Untrusted`, `BadCredentials`, `Throttled`."""
        self._connection = await self.call(functools.partial(self._server.connection, database))

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` in the session's thread; failures of the library come out as ours."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (Error, OSError, EOFError, RuntimeError) as problem:  # RuntimeError: a server that asks for a local file
            raise translated(problem) from problem

    @property
    def raw(self) -> Connection[SSCursor]:
        """The library's connection; to be used inside `call` only."""
        if self._connection is None:
            raise BadOption("the connection was never opened")
        return self._connection

    async def run(self, *statements: str) -> None:
        """Run statements whose rows nobody needs."""
        await self.call(lambda: [execute(self.raw, s.encode()) for s in statements])

    async def rows(self, query: str) -> list[Row]:
        """All rows of a small result."""
        return await self.call(lambda: fetched(self.raw, query))

    async def stream(self, query: str, count: int) -> AsyncGenerator[list[Row]]:
        """The rows of a large result, up to `count` at once. Leaving early reads the rest and throws it away."""
        cursor = await self.call(functools.partial(_opened, self.raw, query))
        try:
            while rows := await self.call(lambda: cast("list[Row]", cursor.fetchmany(count))):
                yield rows
        finally:
            with contextlib.suppress(Error, OSError):
                await asyncio.get_running_loop().run_in_executor(self._thread, cursor.close)

    def close(self) -> None:
        """Drop the connection, and with it whatever was not committed. Never waits."""
        if self._connection is not None:
            self._thread.submit(_dropped, self._connection)
        self._thread.shutdown(wait=False)


def execute(connection: Connection[SSCursor], statement: bytes) -> None:
    """Run one statement and throw its rows away; blocks."""
    with connection.cursor() as cursor:
        cursor.execute(cast("Any", statement))
        while cursor.fetchmany(1000) or cursor.nextset():
            pass


def fetched(connection: Connection[SSCursor], query: str) -> list[Row]:
    """All rows of a small result; blocks."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cast("list[Row]", list(cursor.fetchall()))


def said(value: bytes | None) -> str:
    """Text out of the server's catalogue; "" for NULL."""
    return "" if value is None else value.decode("utf-8", "replace")


def _opened(connection: Connection[SSCursor], query: str) -> SSCursor:
    cursor = connection.cursor()
    cursor.execute(query)
    return cursor


def _dropped(connection: Connection[SSCursor]) -> None:
    with contextlib.suppress(Error, OSError):
        connection.close()
