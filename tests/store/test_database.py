"""Transactions, their limits, and the server's errors in Mover's terms."""

from __future__ import annotations

import asyncio
import traceback

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from tests.postgres import Postgres

from mover.core.errors import (
    DatabaseContended,
    DatabaseFailed,
    DatabaseFull,
    DatabaseRefused,
    DatabaseUnreachable,
    Retry,
    RowConflict,
)
from mover.store import database as module
from mover.store._database_errors import translated
from mover.store.database import Database

pytestmark = pytest.mark.anyio
SECRET = "my private value"


async def numbers(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.execute(text("SELECT n FROM mover.t ORDER BY n"))).scalars())


@pytest.fixture
async def database(fresh_database: Database) -> Database:
    """With a table to write to."""
    async with fresh_database.transaction() as connection:
        await connection.execute(text("CREATE TABLE mover.t (n int PRIMARY KEY, v text)"))
        await connection.execute(
            text("CREATE TABLE mover.below (n int REFERENCES mover.t (n), CONSTRAINT small CHECK (n < 9))")
        )
    return fresh_database


async def test_a_transaction_is_kept_whole_or_undone_whole(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO mover.t VALUES (1), (2)"))
        assert await numbers(database) == []

    async def undone() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("INSERT INTO mover.t VALUES (3)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    assert await numbers(database) == [1, 2]


async def test_a_read_cannot_change_anything_and_the_next_transaction_can(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseFailed, match=r"read-only transaction \[25006\]"):
            async with database.read() as connection:
                await connection.execute(text("INSERT INTO mover.t VALUES (1)"))
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO mover.t VALUES (1)"))
    assert await numbers(database) == [1]


async def test_every_session_has_its_limits(database_url: URL) -> None:
    names = (
        "transaction_isolation",
        "idle_in_transaction_session_timeout",
        "lock_timeout",
        "statement_timeout",
        "application_name",
    )
    query = text(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}")
    async with Database(database_url, statement_seconds=1.5, application="mover api") as database:
        async with database.transaction() as connection:
            assert tuple((await connection.execute(query)).one()) == (
                "read committed",
                "10s",
                "8s",
                "1500ms",
                "mover api",
            )
        async with database.alone() as connection:
            assert tuple((await connection.execute(query)).one()) == ("read committed", "10s", "8s", "0", "mover api")


@pytest.mark.parametrize(
    ("statement", "kind", "constraint"),
    [
        ("INSERT INTO mover.t VALUES (1, :v), (1, :v)", RowConflict, "t_pkey"),
        ("INSERT INTO mover.below SELECT 5 WHERE :v = :v", RowConflict, "below_n_fkey"),
        ("INSERT INTO mover.below SELECT 99 WHERE :v = :v", DatabaseFailed, None),
        ("SELECT CAST(:v AS int)", DatabaseFailed, None),
        ("SELECT CAST('my private value' AS uuid), :v", DatabaseFailed, None),
        (
            "DO $$ BEGIN RAISE EXCEPTION 'my private value' USING DETAIL = 'my private value'; END $$",
            DatabaseFailed,
            None,
        ),
        ("SELECT :v FROM pg_authid", DatabaseRefused, None),
        ("SELECT no_such_column, :v FROM mover.t", DatabaseFailed, None),
    ],
)
async def test_an_error_names_the_rule_and_no_value(
    database: Database, statement: str, kind: type[DatabaseFailed], constraint: str | None
) -> None:
    with pytest.raises(DatabaseFailed) as caught:
        async with database.transaction() as connection:
            await connection.execute(text(statement), {"v": SECRET} if ":v" in statement else {})
    error = caught.value
    assert type(error) is kind
    assert getattr(error, "constraint", None) == constraint
    assert error.detail.startswith(database.place)
    assert SECRET not in "".join(traceback.format_exception(error))
    if constraint:
        assert constraint in error.detail


async def test_a_statement_that_takes_too_long_is_ended(database_url: URL) -> None:
    async with Database(database_url, statement_seconds=0.2) as database:
        with pytest.raises(DatabaseContended, match=r"statement timeout \[57014\]") as caught:
            async with database.transaction() as connection:
                await connection.execute(text("SELECT pg_sleep(60)"))
        assert caught.value.retry is Retry.SOON


async def test_a_lock_that_others_hold_is_not_waited_for_endlessly(database: Database, database_url: URL) -> None:
    # An operator's own options come after ours.
    hurried = database_url.update_query_dict({"options": "-c lock_timeout=200"})
    async with Database(hurried) as other, database.transaction() as holding:
        await holding.execute(text("LOCK TABLE mover.t"))
        with pytest.raises(DatabaseContended, match=r"lock timeout \[55P03\]"):
            async with other.transaction() as connection:
                await connection.execute(text("INSERT INTO mover.t VALUES (1)"))


async def test_of_two_that_wait_for_each_other_one_may_try_again(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO mover.t VALUES (1), (2)"))
    both = asyncio.Barrier(2)

    async def change(first: int, second: int) -> Exception | None:
        try:
            async with database.transaction() as connection:
                await connection.execute(text("UPDATE mover.t SET v = 'x' WHERE n = :n"), {"n": first})
                await both.wait()
                await connection.execute(text("UPDATE mover.t SET v = 'x' WHERE n = :n"), {"n": second})
        except DatabaseFailed as error:
            return error
        return None

    ends = await asyncio.gather(change(1, 2), change(2, 1))
    (lost,) = [end for end in ends if end]
    assert isinstance(lost, DatabaseContended)
    assert "40P01" in lost.detail


async def test_a_transaction_that_stands_idle_is_ended(database_url: URL) -> None:
    impatient = database_url.update_query_dict({"options": "-c idle_in_transaction_session_timeout=100"})

    async def dawdle() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1"))
            await asyncio.sleep(0.5)
            await connection.execute(text("SELECT 1"))

    async with Database(impatient) as database:
        with pytest.raises((DatabaseContended, DatabaseUnreachable)) as caught:
            await dawdle()
        assert caught.value.retry is Retry.SOON


async def test_who_finds_no_free_connection_is_told(database_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POOL_SECONDS", 0.1)
    async with Database(database_url, connections=1) as database:
        async with database.read():
            with pytest.raises(DatabaseContended, match="all connections of this process are in use"):
                async with database.read():
                    pass
        async with database.read():
            pass


def cut(postgres: Postgres, database: Database) -> None:
    """End every connection of ours."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    postgres.run(query, str(database.url.database))


async def test_connections_that_were_cut_are_made_anew(database: Database, postgres: Postgres) -> None:
    async with database.read(), database.read():
        pass
    cut(postgres, database)
    assert await asyncio.gather(numbers(database), numbers(database)) == [[], []]


async def test_a_connection_that_is_cut_in_a_transaction_may_try_again(database: Database, postgres: Postgres) -> None:
    async def interrupted() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("INSERT INTO mover.t VALUES (1)"))
            cut(postgres, database)
            await connection.execute(text("INSERT INTO mover.t VALUES (2)"))

    with pytest.raises(DatabaseUnreachable) as caught:
        await interrupted()
    assert caught.value.retry is Retry.SOON
    assert await numbers(database) == []


async def test_whoever_is_cancelled_leaves_a_usable_pool(database_url: URL) -> None:
    async with Database(database_url, connections=1) as database:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), database.transaction() as connection:
                    await connection.execute(text("SELECT pg_sleep(60)"))
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_a_server_that_went_away_and_came_back_is_reached_again(database_url: URL, postgres: Postgres) -> None:
    missing = database_url.update_query_dict({"host": "/no/such/folder"})
    async with Database(missing) as database:
        with pytest.raises(DatabaseUnreachable, match=r"^database test_\d+ at /no/such/folder: ") as caught:
            async with database.read():
                pass
    assert (caught.value.retry, caught.value.exit_code, caught.value.http_status) == (Retry.SOON, 5, 503)
    assert str(database_url.password) not in "".join(traceback.format_exception(caught.value))


async def test_a_wrong_password_user_or_database_is_told_without_the_password(database_url: URL) -> None:
    for wrong in (
        database_url.set(password=SECRET),
        database_url.set(username="nobody", password=SECRET),
        database_url.set(password=""),
        database_url.set(database="no_such"),
    ):
        async with Database(wrong) as database:
            with pytest.raises(DatabaseRefused) as caught:
                async with database.read():
                    pass
        assert caught.value.detail.startswith(f"database {wrong.database} at {wrong.query['host']}: ")
        text_of_it = "".join(traceback.format_exception(caught.value))
        assert SECRET not in text_of_it
        assert str(database_url.password) not in text_of_it


def test_states_of_a_server_in_need_are_known() -> None:
    for kind, expected in (
        (psycopg.errors.DiskFull, DatabaseFull),
        (psycopg.errors.TooManyConnections, DatabaseContended),
        (psycopg.errors.SerializationFailure, DatabaseContended),
        (psycopg.errors.AdminShutdown, DatabaseUnreachable),
        (psycopg.errors.CannotConnectNow, DatabaseUnreachable),
        (psycopg.errors.ConnectionFailure, DatabaseUnreachable),
        (psycopg.errors.InvalidPassword, DatabaseRefused),
        (psycopg.errors.DataCorrupted, DatabaseFailed),
    ):
        with pytest.raises(DatabaseFailed) as caught, translated("here"):
            raise kind
        assert type(caught.value) is expected
