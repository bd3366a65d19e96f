"""A disk that is full is told as such, loses nothing that was promised, and Mover goes on once there is room."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.small_disk import small_disk
from tests.store.keeping import QUICK, copied, sql

from mover.core.errors import DatabaseFailed, DatabaseFull, DatabaseUnreachable
from mover.store.database import Database
from mover.store.embedded import EmbeddedPostgres

pytestmark = pytest.mark.anyio


def fill(disk: Path, leave: int) -> None:
    free = os.statvfs(disk)
    with (disk / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, free.f_bavail * free.f_frsize - leave)


async def written(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        insert = text("INSERT INTO t SELECT :n, string_agg(md5(random()::text), '') FROM generate_series(1, 20000)")
        await connection.execute(insert, {"n": number})


async def test_a_full_disk_is_told_and_nothing_is_lost(made: Path, place: Path) -> None:
    told: list[int] = []
    errors: list[DatabaseFailed] = []
    with small_disk(place / "disk", 200 << 20) as disk:
        disk.chmod(0o755)
        folder = copied(made, disk / "database")
        async with EmbeddedPostgres(folder, settings=QUICK) as server, Database(server.url) as database:
            sql(server.url, "CREATE TABLE t (n int PRIMARY KEY, v text STORAGE EXTERNAL)")
            fill(disk, leave=8 << 20)
            for number in range(200):
                try:
                    await written(database, number)
                    told.append(number)
                except DatabaseFailed as error:
                    errors.append(error)
                if len(errors) == 3:
                    break
                await asyncio.sleep(0.05 if errors else 0)
            (disk / "ballast").unlink()
            async with asyncio.timeout(120):
                while not await _succeeds(database, 1000):  # noqa: ASYNC110  # the server's doing
                    await asyncio.sleep(0.1)
            kept = [n for (n,) in sql(server.url, "SELECT n FROM t ORDER BY n")]
    assert len(errors) == 3
    assert {type(error) for error in errors} <= {DatabaseFull, DatabaseUnreachable}
    assert type(errors[0]) is DatabaseFull or server.restarts
    assert set(told) <= set(kept)
    assert kept[-1] == 1000


async def _succeeds(database: Database, number: int) -> bool:
    try:
        await written(database, number)
    except DatabaseFailed:
        return False
    return True


async def test_a_first_start_on_a_full_disk_says_so_and_the_next_one_succeeds(place: Path) -> None:
    with small_disk(place / "disk", 120 << 20) as disk:
        disk.chmod(0o755)
        fill(disk, leave=20 << 20)
        with pytest.raises(DatabaseFull, match="initdb ended with 1"):
            await EmbeddedPostgres(disk / "database", settings=QUICK).start()
        (disk / "ballast").unlink()
        async with EmbeddedPostgres(disk / "database", settings=QUICK) as server:
            assert sql(server.url, "SELECT 1") == [(1,)]
