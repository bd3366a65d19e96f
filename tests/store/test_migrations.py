"""The schema is brought up to date once, whole, and never back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from tests.postgres import Postgres

from mover.core.errors import DatabaseFailed, DatabaseRefused, DatabaseUnfit
from mover.store.database import Database
from mover.store.migrations import upgrade, upgrading

pytestmark = pytest.mark.anyio
PACKAGED = Path(upgrading.__file__).parent / "versions"


@pytest.fixture
def empty_url(postgres: Postgres) -> Generator[URL]:
    """A database without any schema of ours."""
    with postgres.database() as url:
        yield url


def migration(folder: Path, number: int, body: str) -> None:
    """Write a migration file."""
    before = f'"{number - 1:04}"' if number else None
    text_of_it = (
        f'from alembic import op\nrevision = "{number:04}"\ndown_revision = {before}\ndef upgrade():\n    {body}\n'
    )
    (folder / f"{number:04}_test.py").write_text(text_of_it)


async def state(url: URL) -> tuple[list[str], list[str]]:
    """The version that the database notes, and the tables that are there."""
    async with Database(url) as database, database.read() as connection:
        there = (await connection.execute(text("SELECT to_regclass('mover.schema_version')"))).scalar()
        versions = await connection.execute(text("SELECT version_num FROM mover.schema_version")) if there else None
        query = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'mover' AND tablename <> 'schema_version' ORDER BY 1"
        )
        tables = await connection.execute(text(query))
        return list(versions.scalars()) if versions else [], list(tables.scalars())


async def test_an_empty_database_gets_the_whole_schema_and_then_nothing_more(empty_url: URL) -> None:
    numbers = sorted(path.name[:4] for path in PACKAGED.glob("[0-9]*.py"))
    async with Database(empty_url) as database:
        assert await upgrade(database) == numbers
        assert await upgrade(database) == []
    assert (await state(empty_url))[0] == [numbers[-1]]


async def test_the_schema_is_nobody_elses(empty_url: URL, postgres: Postgres) -> None:
    async with Database(empty_url) as database:
        await upgrade(database)
        async with database.read() as connection:
            query = text(
                "SELECT count(*) FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'mover' AND grantee = 0"
            )
            assert (await connection.execute(query)).scalar_one() == 0


async def test_later_migrations_are_applied_in_their_order(empty_url: URL, tmp_path: Path) -> None:
    migration(tmp_path, 0, "op.execute('CREATE TABLE mover.a (n int)')")
    async with Database(empty_url) as database:
        assert await upgrade(database, versions=tmp_path) == ["0000"]
        migration(tmp_path, 1, "op.execute('INSERT INTO mover.a VALUES (1)')")
        migration(tmp_path, 2, "op.execute('ALTER TABLE mover.a RENAME TO b')")
        assert await upgrade(database, versions=tmp_path) == ["0001", "0002"]
    assert await state(empty_url) == (["0002"], ["b"])


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty_url: URL, tmp_path: Path) -> None:
    migration(tmp_path, 0, "op.execute('CREATE TABLE mover.a (n int)')")
    migration(tmp_path, 1, "op.execute('CREATE TABLE mover.b (n int)'); op.execute('SELECT 1/0')")
    async with Database(empty_url) as database:
        with pytest.raises(DatabaseFailed, match="DivisionByZero"):
            await upgrade(database, versions=tmp_path)
        assert await state(empty_url) == (["0000"], ["a"])
        migration(tmp_path, 1, "op.execute('CREATE TABLE mover.c (n int)')")
        assert await upgrade(database, versions=tmp_path) == ["0001"]
    assert await state(empty_url) == (["0001"], ["a", "c"])


async def test_a_process_that_dies_in_a_migration_leaves_nothing_of_it(empty_url: URL, tmp_path: Path) -> None:
    migration(tmp_path, 0, "op.execute('CREATE TABLE mover.a (n int)'); __import__('os')._exit(9)")
    with upgrading_process(empty_url, tmp_path) as process:
        assert process.wait(60) == 9
    assert await state(empty_url) == ([], [])
    migration(tmp_path, 0, "op.execute('CREATE TABLE mover.b (n int)')")
    async with Database(empty_url) as database:
        assert await upgrade(database, versions=tmp_path) == ["0000"]
    assert await state(empty_url) == (["0000"], ["b"])


_MAIN = """
import asyncio, sys
from pathlib import Path
from mover.store.database import Database
from mover.store.migrations import upgrade
async def main():
    async with Database(sys.stdin.readline().strip()) as database:
        print(*await upgrade(database, versions=Path(sys.argv[1])), flush=True)
asyncio.run(main())
"""


def upgrading_process(url: URL, versions: Path) -> subprocess.Popen[str]:
    """Another process that upgrades; it says what it applied."""
    command = [sys.executable, "-c", _MAIN, str(versions)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(url.render_as_string(hide_password=False) + "\n")
    process.stdin.flush()
    return process


async def test_of_processes_that_start_at_once_exactly_one_migrates(empty_url: URL, tmp_path: Path) -> None:
    # Not only once: in a table without a key a second time would show.
    migration(tmp_path, 0, "op.execute('CREATE TABLE mover.a (n int)'); op.execute('SELECT pg_sleep(1)')")
    migration(tmp_path, 1, "op.execute('INSERT INTO mover.a VALUES (1)')")
    processes = [upgrading_process(empty_url, tmp_path) for _ in range(3)]
    said = []
    for process in processes:
        with process:
            said.append((await asyncio.to_thread(process.communicate))[0].strip())
        assert process.returncode == 0
    assert sorted(said) == ["", "", "0000 0001"]
    async with Database(empty_url) as database, database.read() as connection:
        assert list((await connection.execute(text("SELECT n FROM mover.a"))).scalars()) == [1]


async def test_a_newer_schema_is_refused_and_left_as_it_is(empty_url: URL, tmp_path: Path) -> None:
    migration(tmp_path, 0, "op.execute('CREATE TABLE mover.a (n int)')")
    migration(tmp_path, 1, "op.execute('CREATE TABLE mover.b (n int)')")
    async with Database(empty_url) as database:
        await upgrade(database, versions=tmp_path)
        (tmp_path / "0001_test.py").unlink()
        with pytest.raises(DatabaseUnfit, match=r"schema \(0001\) is newer than this Mover knows \(0000\)") as caught:
            await upgrade(database, versions=tmp_path)
    assert "backup" in caught.value.advice
    assert await state(empty_url) == (["0001"], ["a", "b"])


async def test_an_old_server_or_one_without_utf8_is_refused(
    empty_url: URL, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as stricter:
        stricter.setattr(upgrading, "OLDEST", 99)
        async with Database(empty_url) as database:
            with pytest.raises(DatabaseUnfit, match=r"is PostgreSQL 18, and Mover needs 99 or newer"):
                await upgrade(database)
    postgres.run("CREATE DATABASE ascii OWNER mover TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    async with Database(postgres.url_of("mover", "ascii")) as database:
        with pytest.raises(DatabaseUnfit, match="SQL_ASCII"):
            await upgrade(database)
    assert await state(empty_url) == ([], [])


async def test_a_user_who_may_not_make_a_schema_is_told(empty_url: URL, postgres: Postgres) -> None:
    postgres.run(f"ALTER DATABASE {empty_url.database} OWNER TO postgres")
    async with Database(empty_url) as database:
        with pytest.raises(DatabaseRefused, match="permission denied for database"):
            await upgrade(database)
