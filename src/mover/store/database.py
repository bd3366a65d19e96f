"""`Database`: connections to PostgreSQL, transactions, and their errors in our terms."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import URL, NullPool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mover.store._database_errors import translated
from mover.store._database_url import checked, place

_IDLE_MILLISECONDS: Final = 10_000
"""A frozen process must not keep its row locks for longer than a lease lives."""

_LOCK_MILLISECONDS: Final = 8_000
_POOL_SECONDS: Final = 10.0
_RECYCLE_SECONDS: Final = 1800


class Database:
    """A pool of connections to one PostgreSQL database: `async with Database(url) as database`. No connection is made before it is needed.

    `url` is EmbeddedPostgres's, or an operator's (`postgresql://user:password@host/database`, with libpq's `sslrootcert`, `sslcert`,
    `sslkey` and others as its query). Over TCP it is TLS with a proven server, or nothing. At most `connections` are open at once; whoever
    wants one more waits up to 10 seconds. A statement may take `statement_seconds` (0: for ever), a lock 8 seconds, and a transaction
    may stand idle for 10. `application` is how `pg_stat_activity` names us.

    After the server was away, connections are made anew by themselves; what was under way then fails with `DatabaseUnreachable`.

    Raises:
        BadOption: the address cannot be read, is not PostgreSQL's, or asks for weaker TLS.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        connections: int = 20,
        statement_seconds: float = 30.0,
        application: str = "mover",
    ) -> None:
        self.url: Final = checked(url)
        self.place: Final = place(self.url)
        self._application = application
        self._engine = self._made(
            statement_seconds,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_POOL_SECONDS,
            pool_pre_ping=True,
            pool_recycle=_RECYCLE_SECONDS,
            pool_use_lifo=True,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction (READ COMMITTED): kept when the block ends well, undone when it raises.

        Raises:
            DatabaseUnreachable: the server is away. Was it lost at the very end, the transaction may have been kept all the same.
            DatabaseContended: others hold the locks, a statement took too long, or all connections are in use.
            RowConflict: a rule of the schema says no.
            DatabaseFailed: anything else; all of these are kinds of it.
        """
        with translated(self.place):
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that cannot change anything. Raises as `transaction`."""
        with translated(self.place):
            async with self._engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[AsyncConnection]:
        """A connection of its own, beside the pool, whose statements take as long as they take: migrations, maintenance.

        No transaction is begun for the block, and none kept at its end. Raises as `transaction`.
        """
        engine = self._made(0, poolclass=NullPool)
        try:
            with translated(self.place):
                async with engine.connect() as connection:
                    yield connection
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _made(self, statement_seconds: float, **pool: Any) -> AsyncEngine:
        limits = {
            "idle_in_transaction_session_timeout": _IDLE_MILLISECONDS,
            "lock_timeout": _LOCK_MILLISECONDS,
            "statement_timeout": int(statement_seconds * 1000),
        }
        options = " ".join(f"-c {name}={value}" for name, value in limits.items())
        own = self.url.query.get("options", "")
        arguments = {
            "options": f"{options} {own}".strip(),
            "application_name": self._application,
            "client_encoding": "utf8",
        }
        return create_async_engine(
            self.url.difference_update_query(["options", "application_name", "client_encoding"]),
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args=arguments,
            **pool,
        )
