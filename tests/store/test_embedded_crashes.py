"""Whatever dies, the data is there, one server serves it, and nobody else's process is touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from tests.store.keeping import QUICK, copied, eventually, gone, other_mover, server_user, sql, swept, until

from mover.core.errors import DatabaseBusy, DatabaseFailed, Retry
from mover.store.database import Database
from mover.store.embedded import EmbeddedPostgres

pytestmark = pytest.mark.anyio


async def test_clients_go_on_after_the_server_was_killed_and_what_they_were_told_is_kept_is_kept(folder: Path) -> None:
    told: list[int] = []
    refused: list[DatabaseFailed] = []

    async def client(database: Database, numbers: range, done: asyncio.Event) -> None:
        for number in numbers:
            try:
                async with database.transaction() as connection:
                    await connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
                told.append(number)
            except DatabaseFailed as error:
                refused.append(error)
                await asyncio.sleep(0.05)
            if done.is_set():
                return

    async with EmbeddedPostgres(folder, settings=QUICK) as server, Database(server.url, connections=4) as database:
        sql(server.url, "CREATE TABLE t (n int PRIMARY KEY)")
        done = asyncio.Event()
        async with asyncio.TaskGroup() as clients:
            for first in range(4):
                clients.create_task(client(database, range(first, 10**9, 4), done))
            for _ in range(2):
                await until(more_than(told, len(told) + 50))
                os.kill(server.pid, signal.SIGKILL)
                await eventually(server.url, "SELECT 1")
            await until(more_than(told, len(told) + 50))
            done.set()
        kept = {n for (n,) in sql(server.url, "SELECT n FROM t")}
        assert server.restarts == 2
    assert set(told) <= kept
    assert {error.retry for error in refused} <= {Retry.SOON}
    assert "password" not in "".join(str(error) for error in refused)


async def test_a_mover_that_was_killed_leaves_a_server_that_the_next_one_ends(folder: Path) -> None:
    with other_mover(folder) as first:
        pid, _, url = first.stdout.readline().strip().partition(" ")
        sql(make_url(url), "CREATE TABLE t AS SELECT 7 AS n")
        first.kill()
        first.wait()
    assert not gone(int(pid))
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert gone(int(pid))
        assert server.pid != int(pid)
        assert sql(server.url, "SELECT n FROM t") == [(7,)]
        assert "received fast shutdown request" in (folder / "postgres.log").read_text()


async def test_a_killed_mover_and_a_killed_server_together(folder: Path) -> None:
    with other_mover(folder) as first:
        pid, _, url = first.stdout.readline().strip().partition(" ")
        sql(make_url(url), "CREATE TABLE t AS SELECT 7 AS n")
        first.kill()
        os.kill(int(pid), signal.SIGKILL)
        first.wait()
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert sql(server.url, "SELECT n FROM t") == [(7,)]


async def test_a_second_mover_is_told_who_has_the_folder(folder: Path) -> None:
    with other_mover(folder) as first:
        pid, _, url = first.stdout.readline().strip().partition(" ")
        with pytest.raises(DatabaseBusy, match=f"in use by process {first.pid} on {os.uname().nodename}"):
            await EmbeddedPostgres(folder, settings=QUICK).start()
        assert sql(make_url(url), "SELECT 1") == [(1,)]
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.stdout.readline() == "ended\n"
        assert first.wait(30) == 0
    assert gone(int(pid))
    await swept(folder)


@contextmanager
def somebody(command: list[str]) -> Generator[int]:
    """A process of the server's user that has nothing to do with this database."""
    who = server_user()
    arguments = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    process = subprocess.Popen(command, cwd="/", **arguments)
    try:
        yield process.pid
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def noted(folder: Path, pid: int) -> None:
    """As a postmaster leaves its note when the machine goes off, and another process has its number since."""
    note = folder / "data" / "postmaster.pid"
    note.write_text(
        f"{pid}\n{folder / 'data'}\n1700000000\n5432\n{folder / 'socket'}\n\n  1234567         9\nready   \n"
    )
    os.chown(note, server_user().pw_uid, server_user().pw_gid)


async def test_a_number_that_is_another_processs_by_now_stops_nothing_and_nobody(folder: Path) -> None:
    with somebody(["sleep", "600"]) as pid:
        noted(folder, pid)
        async with EmbeddedPostgres(folder, settings=QUICK) as server:
            assert sql(server.url, "SELECT 1") == [(1,)]


async def test_a_number_that_is_another_postgres_by_now_stops_nothing_and_nobody(
    made: Path, folder: Path, place: Path
) -> None:
    other = copied(made, place / "other")
    async with EmbeddedPostgres(other, settings=QUICK) as unrelated:
        noted(folder, unrelated.pid)
        async with EmbeddedPostgres(folder, settings=QUICK) as server:
            assert sql(server.url, "SELECT 1") == sql(unrelated.url, "SELECT 1") == [(1,)]
        assert unrelated.restarts == 0


@pytest.mark.parametrize("note", ["", "?\n", "-1\n", "1\n"])
async def test_a_note_that_a_crash_left_empty_stops_nothing(folder: Path, note: str) -> None:
    (folder / "data" / "postmaster.pid").write_text(note)
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert sql(server.url, "SELECT 1") == [(1,)]


async def test_a_server_whose_note_was_lost_is_found(folder: Path) -> None:
    with other_mover(folder) as first:
        pid = int(first.stdout.readline().partition(" ")[0])
        first.kill()
        first.wait()
    (folder / "data" / "postmaster.pid").write_text("")
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert gone(pid)
        assert sql(server.url, "SELECT 1") == [(1,)]


async def test_a_first_start_that_was_killed_begins_anew_whatever_its_initdb_still_does(place: Path) -> None:
    folder = place / "database"
    with other_mover(folder) as first:
        await until(made_in(folder, "new-*/data/base"))
        first.kill()
        first.wait()
        (initdb,) = processes(b"/initdb", folder)
        os.killpg(initdb, signal.SIGSTOP)
    assert not (folder / "data").exists()
    server = EmbeddedPostgres(folder, settings=QUICK)
    starting = asyncio.create_task(server.start())
    await until(lambda: len(processes(b"/initdb", folder)) == 2 and made_in(folder, "new-*/data/base")())
    # It finds its files gone, and clears away what it takes for its own.
    os.killpg(initdb, signal.SIGCONT)
    await starting
    assert sql(server.url, "SELECT 1") == [(1,)]
    assert not made_in(folder, "new-*/data/base")()
    await server.stop()


async def test_a_start_that_is_cancelled_leaves_nothing_running(place: Path) -> None:
    folder = place / "database"
    for moment in ("new-*/data/base", "data/postmaster.pid"):
        starting = asyncio.create_task(EmbeddedPostgres(folder, settings=QUICK).start())
        await until(made_in(folder, moment))
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
            pytest.fail("it was too quick to be cancelled")
        await until(nothing_runs(folder))
    await swept(folder)


async def test_an_end_that_is_cancelled_still_ends_the_server(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    await server.start()
    pid = server.pid
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await until(lambda: server.pid is None, seconds=30)
    with pytest.raises(DatabaseBusy):
        await EmbeddedPostgres(folder, settings=QUICK).start()
    await server.stop()
    assert gone(pid)
    await swept(folder)


def more_than(told: list[int], count: int) -> Callable[[], bool]:
    return lambda: len(told) >= count


def made_in(folder: Path, pattern: str) -> Callable[[], bool]:
    return lambda: bool(list(folder.glob(pattern)))


def nothing_runs(folder: Path) -> Callable[[], bool]:
    return lambda: not processes(b"", folder)


def processes(program: bytes, folder: Path) -> list[int]:
    """The processes of a program whose command names something in the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(program) and any(str(folder).encode() in word for word in words):
                found.append(int(process.name))
    return found


async def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    with pytest.raises(DatabaseFailed, match="no_such_setting"):
        await EmbeddedPostgres(folder, settings={"no_such_setting": "on"}).start()
    shutil.rmtree(folder / "data" / "pg_wal")
    with pytest.raises(DatabaseFailed, match="pg_wal"):
        await EmbeddedPostgres(folder, settings=QUICK).start()
    await until(nothing_runs(folder))
