"""The PostgreSQL that Mover runs: private, and nothing of it can be read by who should not."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import psutil
import psycopg
import pytest
import uvloop
from tests.store.keeping import QUICK, ROOT, copied, eventually, gone, moved, owner, server_user, sql

from mover.core.errors import DatabaseFailed
from mover.store.embedded import EmbeddedPostgres, process

pytestmark = pytest.mark.anyio


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_first_start_makes_everything_private(place: Path) -> None:
    folder = place / "deep" / "database"
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        said = {name: sql(server.url, f"SHOW {name}")[0][0] for name in ("server_encoding", "lc_messages", "timezone")}
        assert said == {"server_encoding": "UTF8", "lc_messages": "C.UTF-8", "timezone": "UTC"}
        assert sql(server.url, "SHOW data_checksums") == [("on",)]
        assert sql(
            server.url, "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ) == [(False, False, False)]
        assert mode(folder) == (0o711 if ROOT else 0o700)
        assert (mode(folder / "data"), mode(folder / "socket")) == (0o700, 0o700)
        assert {mode(folder / name) for name in ("passwords.json", "postgres.log", "lock")} == {0o600}
        assert mode(folder / "socket" / ".s.PGSQL.5432") == 0o700
        assert {(folder / name).stat().st_uid for name in ("data", "socket")} == {server_user().pw_uid}
        assert owner(server.pid) == server_user().pw_uid != 0
        pid = server.pid
    assert gone(pid)
    assert names(folder) == ["data", "lock", "passwords.json", "postgres.log"]


async def test_it_listens_on_nothing_but_its_socket(folder: Path) -> None:
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        assert len(processes) > 3
        assert [one.net_connections("inet") for one in processes] == [[] for _ in processes]
        assert sql(server.url, "SHOW listen_addresses") == [("",)]


async def test_nobody_comes_in_without_the_password(folder: Path) -> None:
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        rules = sql(
            server.url_of("postgres", "postgres"),
            "SELECT type, database, user_name, auth_method FROM pg_hba_file_rules",
        )
        assert rules == [("local", ["all"], ["all"], "scram-sha-256")]
        for user, password in (("mover", "wrong"), ("mover", ""), ("postgres", ""), ("nobody", "x")):
            with pytest.raises(psycopg.OperationalError):
                sql(server.url.set(username=user, password=password), "SELECT 1")


async def test_a_rule_that_somebody_added_is_gone_at_the_next_start(folder: Path) -> None:
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text("local all all trust\nhost all all 0.0.0.0/0 trust\n")
    (folder / "data" / "postgresql.auto.conf").write_text("listen_addresses = '*'\n")
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert "trust" not in rules.read_text()
        assert sql(server.url, "SHOW listen_addresses") == [("",)]


async def test_no_secret_is_in_a_command_an_environment_the_log_or_a_text(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOVER_TEST_SECRET", "do not hand me on")
    passwords = json.loads((folder / "passwords.json").read_text())
    async with EmbeddedPostgres(folder, settings=QUICK, roles=("mover", "mover_new")) as server:
        secrets = {*passwords.values(), server.url.password, server.url_of("mover_new").password}
        assert len(secrets) == 3
        assert all(len(secret) > 40 for secret in secrets)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="private"):
            sql(server.url, "SELECT 'my private value'::int")
        sql(server.url, "CREATE TABLE t (i text UNIQUE)")
        with pytest.raises(psycopg.errors.UniqueViolation, match="private"):
            sql(server.url, "INSERT INTO t VALUES ('my private value'), ('my private value')")
        shown = [f"{server.url} {server.url!r} {vars(server)['_folder']}"]
        for one in [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]:
            shown += [*one.cmdline(), *one.environ().values()]
    shown.append((folder / "postgres.log").read_text())
    assert "database system is ready" in shown[-1]
    assert not [
        text for text in shown for secret in {*secrets, "do not hand me on", "my private value"} if secret in text
    ]


async def test_what_was_written_is_there_after_the_next_start(folder: Path) -> None:
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        sql(server.url, "CREATE TABLE t AS SELECT 42 AS n")
        first = server.url
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert sql(server.url, "SELECT n FROM t") == [(42,)]
        assert server.url.password == first.password


async def test_a_role_that_came_later_can_log_in_and_may_do_nothing_yet(folder: Path) -> None:
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        sql(server.url, "CREATE SCHEMA mover; CREATE TABLE mover.t (n int)")
    async with EmbeddedPostgres(folder, settings=QUICK, roles=("mover", "mover_reader")) as server:
        reader = server.url_of("mover_reader")
        assert sql(reader, "SELECT current_user") == [("mover_reader",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql(reader, "SELECT * FROM mover.t")
        sql(server.url, "GRANT USAGE ON SCHEMA mover TO mover_reader; GRANT SELECT ON mover.t TO mover_reader")
        assert sql(reader, "SELECT * FROM mover.t") == []


async def test_a_path_too_long_for_a_socket_gets_a_link(made: Path, place: Path) -> None:
    long = place / ("long" * 25)
    long.mkdir()
    folder = copied(made, long / "database")
    async with EmbeddedPostgres(folder, settings=QUICK, short=place) as server:
        assert sql(server.url, "SELECT 1") == [(1,)]
        link = folder / "socket"
        assert link.is_symlink()
        assert str(link.readlink()) == server.url.query["host"]
        assert mode(link.readlink()) == 0o700
    assert not link.is_symlink()
    assert names(place) == [long.name]


async def test_no_place_for_the_socket_is_said(folder: Path, place: Path) -> None:
    long = place / ("long" * 25)
    long.mkdir()
    folder = moved(folder, long)
    with pytest.raises(DatabaseFailed, match="107 bytes") as caught:
        await EmbeddedPostgres(folder, settings=QUICK, short=long).start()
    assert "shorter path" in caught.value.advice


async def test_it_runs_under_uvloop_too(folder: Path) -> None:
    async def main() -> None:
        async with EmbeddedPostgres(folder, settings=QUICK) as server:
            os.kill(server.pid, 9)
            assert await eventually(server.url, "SELECT 1") == [(1,)]

    await asyncio.to_thread(uvloop.run, main())


async def test_the_log_stays_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 4000)
    monkeypatch.setattr(process, "_LOOK_AT_LOG", 1)
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        log = folder / "postgres.log"
        superuser = server.url_of("postgres", "postgres")
        sql(superuser, "DO $$ BEGIN FOR i IN 1..400 LOOP RAISE WARNING 'a line of the log'; END LOOP; END $$")
        await asyncio.sleep(0.5)
        assert log.stat().st_size < 4000
        assert (folder / "postgres.log.1").stat().st_size > 4000
        assert mode(folder / "postgres.log.1") == 0o600
        with pytest.raises(psycopg.Error):
            sql(superuser, "the log goes on")
        assert "syntax error" in log.read_text()


async def test_ending_twice_or_without_a_start_does_no_harm(place: Path) -> None:
    server = EmbeddedPostgres(place / "database")
    await server.stop()
    await server.stop()
    assert (server.pid, server.restarts) == (None, 0)
