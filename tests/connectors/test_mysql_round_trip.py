"""A database through Mover and back, against real servers: by the stock client, from a stock dump, and by Mover on both sides."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.sites.mariadb import MariaDb, mariadb

from mover.connectors._kit.bodies import collected
from mover.connectors.mysql.spec import SPEC
from mover.connectors.registry import connect
from mover.core.connector import Connector
from mover.core.errors import Conflict, Locked, Unreachable
from mover.core.model import Body, Digest, Entry, Kind
from mover.core.options import Options

pytestmark = pytest.mark.anyio

HOSTILE = "a/b%`'\";\n-- x\\ ünï "[:-1]
"""A table name that would leave its folder, end its quotes, or its statement."""

SCHEMA = r"""
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 7;
CREATE TABLE parent (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL DEFAULT 'it''s \\ "x"' COMMENT 'one;
two', n BIGINT DEFAULT NEXTVAL(numbers), UNIQUE (name)) AUTO_INCREMENT=77 COMMENT='a \\ b ; c';
CREATE TABLE child (id INT PRIMARY KEY, parent INT UNSIGNED, CONSTRAINT c1 FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE);
CREATE TABLE types (
  id INT PRIMARY KEY, b VARBINARY(300), bl LONGBLOB, bi BIT(13), f FLOAT, d DOUBLE, de DECIMAL(30,10), y YEAR, da DATE, t TIME(3),
  dt DATETIME(6), ts TIMESTAMP(6) NULL, e ENUM('a','b''c'), s SET('x','y','z'), j JSON, g GEOMETRY, u UUID, i6 INET6,
  l1 VARCHAR(50) CHARACTER SET latin1, sj VARCHAR(50) CHARACTER SET sjis, uc VARCHAR(50) CHARACTER SET ucs2, tx TEXT,
  gv INT AS (id * 2) VIRTUAL, gs VARCHAR(60) AS (CONCAT(id, '-', l1)) STORED, inv INT INVISIBLE DEFAULT 5
) DEFAULT CHARSET=utf8mb4;
CREATE TABLE no_key (a INT, b VARCHAR(20));
CREATE TABLE empty_one (a INT PRIMARY KEY);
CREATE TABLE pair (a VARCHAR(20) NOT NULL, b INT NOT NULL, v INT, PRIMARY KEY (a, b));
CREATE VIEW v_a AS SELECT id, name FROM parent;
CREATE VIEW a_on_v AS SELECT COUNT(*) AS `how many` FROM v_a;
DELIMITER //
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC COMMENT 'ü' BEGIN /* ; */ RETURN x * 2; -- done;
END//
CREATE PROCEDURE noisy() BEGIN SELECT ';;' AS `a;b`; SELECT 'ö'; END//
CREATE TRIGGER t2 BEFORE INSERT ON child FOR EACH ROW SET NEW.id = NEW.id + 1000//
CREATE TRIGGER t1 BEFORE INSERT ON child FOR EACH ROW FOLLOWS t2 BEGIN SET NEW.id = NEW.id; END//
CREATE EVENT later ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO BEGIN DELETE FROM child WHERE id < 0; END//
DELIMITER ;
CREATE VIEW with_function AS SELECT twice(id) AS d FROM parent;
"""

ROWS = r"""
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00', foreign_key_checks = 0;
INSERT INTO parent (id, name) VALUES (0, 'zero'), (1, 'quo''te'), (2, 'back\\slash'), (3, '-- no comment; DELIMITER //'), (4, '😀');
INSERT INTO child VALUES (1, 1), (2, NULL), (3, 999);
INSERT INTO types (id, b, bl, bi, f, d, de, y, da, t, dt, ts, e, s, j, g, u, i6, l1, sj, uc, tx) VALUES
 (1, x'00ff27225c0a0d1a', REPEAT(x'00275c', 4000), b'1000000000001', 1.2345678, 0.1, -12345678901234567890.0123456789, 1999,
  '0000-00-00', '-838:59:59.123', '2024-02-31 00:00:00.123456', '2024-03-31 01:30:00.654321', 'b''c', 'x,y,z', '{"a": "\\"\\n"}',
  ST_GeomFromText('POINT(1 2)', 4326), UUID(), '::1', _latin1 x'e9208041', _sjis x'835c5c', _ucs2 x'00e900410000', 'a\0b\nc\rd\Z'),
 (2, '', '', b'0', -1e-30, 1.7976931348623157e308, 0, 2155, '9999-12-31', '00:00:00', '0000-00-00 00:00:00', '1970-01-01 00:00:01',
  'a', '', '[]', NULL, NULL, NULL, '', '', '', ''),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
INSERT INTO pair SELECT CONCAT('k', seq MOD 3), seq, seq FROM seq_1_to_500;
"""


class Sent:
    """A body of known pieces."""

    digests: tuple[Digest, ...] = ()
    whole: bytes | None = None

    def __init__(self, data: bytes, *, size: int | None = -1, piece: int = 1013) -> None:
        self.size = len(data) if size == -1 else size
        self._data, self._piece = data, piece

    async def chunks(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), self._piece):
            yield self._data[at : at + self._piece]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[MariaDb, MariaDb]]:
    home = Path(tempfile.mkdtemp(prefix="mover-mysql-"))
    home.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        yield stack.enter_context(mariadb(home / "a")), stack.enter_context(mariadb(home / "b"))


@pytest.fixture
def source(servers: tuple[MariaDb, MariaDb]) -> MariaDb:
    return _emptied(servers[0])


@pytest.fixture
def target(servers: tuple[MariaDb, MariaDb]) -> MariaDb:
    return _emptied(servers[1])


def _emptied(server: MariaDb) -> MariaDb:
    for name in ("shop", "again"):
        server.sql(f"DROP DATABASE IF EXISTS {name};")
    return server


def _filled(server: MariaDb) -> None:
    server.sql("CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_german1_ci;")
    server.sql(SCHEMA, "shop")
    quoted = "`" + HOSTILE.replace("`", "``") + "`"
    server.sql(
        ROWS + f"CREATE TABLE {quoted} (`a``b` INT PRIMARY KEY, `c\nd` TEXT); INSERT INTO {quoted} VALUES (1, 'x');",  # noqa: S608  # quoted
        "shop",
    )


def _options(server: MariaDb, **more: str | int) -> Options:
    return Options(SPEC, server.options(**more))


async def _entries(connector: Connector, folder: Entry | None = None, path: str = "") -> list[tuple[str, Entry]]:
    """Every file with its path, in the order of the paths."""
    here = folder or await connector.root()
    found: list[tuple[str, Entry]] = []
    page = await connector.list(here.id)
    entries = list(page.entries)
    while page.next is not None:
        page = await connector.list(here.id, page.next)
        entries += page.entries
    for entry in entries:
        below = f"{path}/{entry.name}"
        found += [(below, entry)] if entry.kind is Kind.FILE else await _entries(connector, entry, below)
    return sorted(found, key=lambda pair: pair[0].encode())


async def _tree(server: MariaDb, **more: str | int) -> dict[str, bytes]:
    async with connect(_options(server, **more)) as connector:
        return {path: await _content(connector, entry) for path, entry in await _entries(connector)}


async def _content(connector: Connector, entry: Entry) -> bytes:
    async with connector.read(entry) as download:
        return await collected(download, entry.name)


async def _write(connector: Connector, path: str, data: bytes | Body) -> Entry:
    folder = await connector.root()
    *above, name = path.strip("/").split("/")
    for part in above:
        folder = await connector.make_folder(folder.id, part)
    return await connector.write(folder.id, name, Sent(data) if isinstance(data, bytes) else data)


def _picture(server: MariaDb, database: str = "shop") -> dict[str, str]:
    """Everything about a database that must be equal, by the stock client's own words."""
    list_ = f"FROM information_schema.{{}} WHERE {{}}_SCHEMA = '{database}' ORDER BY 1"
    picture: dict[str, str] = {}
    kinds = server.sql("SELECT TO_BASE64(TABLE_NAME), TABLE_TYPE " + list_.format("TABLES", "TABLE")).splitlines()
    shown = [(b, "TABLE" if "BASE" in k else k) for b, k in (line.split("\t") for line in kinds)]
    for kind in ("TRIGGER", "EVENT"):
        shown += [
            (n, kind) for n in server.sql(f"SELECT TO_BASE64({kind}_NAME) " + list_.format(kind + "S", kind)).split()
        ]
    for line in server.sql(
        "SELECT TO_BASE64(ROUTINE_NAME), ROUTINE_TYPE " + list_.format("ROUTINES", "ROUTINE")
    ).splitlines():
        shown.append(tuple(line.split("\t")))  # type: ignore[arg-type]
    for encoded, kind in shown:
        name = (
            server.sql(f"SELECT REPLACE(FROM_BASE64('{encoded}'), '`', '``');")
            .rstrip("\n")
            .replace("\\n", "\n")
            .replace("\\\\", "\\")
        )
        made = server.sql(f"SHOW CREATE {kind} `{name}`;", database)
        picture[f"{kind} {name}"] = (
            made if kind != "TRIGGER" else made.rpartition("\t")[0]
        )  # the last column is the time
        if kind == "TABLE":
            picture[f"sum {name}"] = server.sql(
                f"CHECKSUM TABLE `{name}` EXTENDED; SELECT COUNT(*) FROM `{name}`;",  # noqa: S608  # quoted
                database,
            )
            picture[f"sum {name}"] = picture[f"sum {name}"].replace(f"{database}.", "")
    picture["next"] = server.sql("SELECT next_not_cached_value FROM numbers", database)
    return picture


async def test_the_stock_client_restores_what_mover_reads(source: MariaDb, target: MariaDb) -> None:
    _filled(source)
    tree = await _tree(source, database="shop")
    target.sql("CREATE DATABASE shop;")
    target.client("shop", script=b"".join(tree.values()))
    assert _picture(target) == _picture(source)
    assert target.sql(
        "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='shop'"
    ) == ("shop\tlatin1_german1_ci\n")


async def test_mover_restores_what_mover_reads(source: MariaDb, target: MariaDb) -> None:
    _filled(source)
    tree = {path: data for path, data in (await _tree(source)).items() if path.startswith("/shop/")}
    async with connect(_options(target)) as connector:
        for path, data in tree.items():
            entry = await _write(connector, path, data)
            assert entry.size == len(data)
            assert await _content(connector, entry) == data  # read back, each file is what was written
    assert _picture(target) == _picture(source)
    again = await _tree(target, database="shop")
    assert {f"/shop{path}": data for path, data in again.items()} == tree


async def test_any_order_and_twice_ends_the_same(source: MariaDb, target: MariaDb) -> None:
    _filled(source)
    waiting = list(reversed((await _tree(source, database="shop")).items()))
    target.sql("CREATE DATABASE shop;")
    reasons: set[str] = set()
    async with connect(_options(target, database="shop")) as connector:
        for _ in range(9):
            late: list[tuple[str, bytes]] = []
            for path, data in waiting:
                try:
                    await _write(connector, path, data)
                    await _write(connector, path, data)
                except Locked as problem:
                    late.append((path, data))
                    reasons.add(problem.detail)
            waiting = late
        assert waiting == []
    assert any("it waits for the rows of child" in reason for reason in reasons)
    assert _picture(target) == _picture(source)


async def test_rows_never_make_triggers_fire(source: MariaDb, target: MariaDb) -> None:
    _filled(source)
    tree = await _tree(source, database="shop")
    target.sql("CREATE DATABASE shop;")
    target.client("shop", script=b"".join(tree.values()))
    async with connect(_options(target, database="shop")) as connector:
        with pytest.raises(Conflict, match="triggers, which would fire"):
            await _write(connector, "/100-tables/child/data-000001.sql", tree["/100-tables/child/data-000001.sql"])
        await _write(connector, "/100-tables/no_key/data-000001.sql", tree["/100-tables/no_key/data-000001.sql"])
    assert _picture(target) == _picture(source)


async def test_mover_restores_a_stock_dump_as_the_stock_client_does(source: MariaDb, target: MariaDb) -> None:
    _filled(source)
    # With its LOCK TABLES, the stock client fails too (error 1100) on a default that asks a sequence.
    dump = source.dump("--skip-add-locks", "--routines", "--triggers", "--events", "--hex-blob", "shop")
    make = "DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_german1_ci;"
    target.sql(make)
    target.client("shop", script=dump)
    theirs = _picture(target)
    target.sql(make)
    async with connect(_options(target, database="shop")) as connector:
        await _write(connector, "/dump.sql", Sent(dump, piece=97))
    assert _picture(target) == theirs
    # The dump itself loses digits of FLOAT, invalid dates and bytes of sjis; all else is as at the source.
    changed = {key for key, value in _picture(source).items() if theirs[key] != value}
    assert changed == {"sum types"}


async def test_the_text_depends_on_the_rows_only(source: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    source.sql("CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(400));"
               "INSERT INTO t SELECT seq, REPEAT('x', 300) FROM seq_1_to_9000;")  # fmt: skip
    once = await _tree(source, database="shop")
    monkeypatch.setattr("mover.connectors.mysql.data.FETCHED_BYTES", 1)
    assert await _tree(source, database="shop") == once
    assert once["/100-tables/t/data-000001.sql"].count(b"INSERT INTO") == 3


async def test_a_table_is_cut_into_chunks_that_sum_up(source: MariaDb, target: MariaDb) -> None:
    source.sql("CREATE DATABASE shop; CREATE TABLE shop.many (id INT PRIMARY KEY, v VARCHAR(40));"
               "USE shop; INSERT INTO many SELECT seq * 3, CONCAT('row ', seq) FROM seq_1_to_100000;")  # fmt: skip
    tree = await _tree(source, database="shop")
    chunks = [path for path in tree if "data-" in path]
    assert len(chunks) == 2
    target.sql("CREATE DATABASE shop;")
    async with connect(_options(target, database="shop")) as connector:
        await _write(connector, "/100-tables/many/000-table.sql", tree["/100-tables/many/000-table.sql"])
        target.sql("INSERT INTO shop.many VALUES (-5, 'stale'), (7, 'stale'), (99999999, 'stale');")
        for path in reversed(chunks):
            await _write(connector, path, tree[path])
    query = "CHECKSUM TABLE shop.many EXTENDED; SELECT COUNT(*), MIN(id), MAX(id) FROM shop.many;"
    assert target.sql(query) == source.sql(query)


async def test_the_snapshot_is_one_while_a_writer_runs(source: MariaDb) -> None:
    source.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.a (id INT PRIMARY KEY); CREATE TABLE shop.b (id INT PRIMARY KEY);"
    )
    stop = asyncio.Event()

    async def write() -> int:
        number = 0
        while not stop.is_set():
            number += 1
            statement = f"BEGIN; INSERT INTO a VALUES ({number}); INSERT INTO b VALUES ({number}); COMMIT;"  # noqa: S608  # a number
            await asyncio.to_thread(source.sql, statement, "shop")
        return number

    writer = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    async with connect(_options(source, database="shop")) as connector:
        entries = dict(await _entries(connector))
        first = await _content(connector, entries["/100-tables/a/data-000001.sql"])
        await asyncio.sleep(0.3)
        rest = await asyncio.gather(*(_content(connector, entries[f"/100-tables/{t}/data-000001.sql"]) for t in "abab"))
    stop.set()
    assert await writer > first.count(b"(") > 1
    assert [r.replace(b"`b`", b"`a`").replace(b"data b", b"data a") for r in rest] == [first] * 4


async def test_without_reload_the_snapshot_is_one_session(source: MariaDb) -> None:
    _filled(source)
    tree = await _tree(source, database="shop", user="reader")
    assert tree["/100-tables/types/data-000001.sql"].count(b"\n(") == 3


async def test_a_lost_session_leaves_nobody_waiting(source: MariaDb) -> None:
    _filled(source)
    async with connect(_options(source, database="shop", user="reader")) as connector:
        entries = dict(await _entries(connector))
        async with connector.read(entries["/100-tables/pair/data-000001.sql"]):
            waiting = asyncio.create_task(_content(connector, entries["/100-tables/pair/000-table.sql"]))
            await asyncio.sleep(0.2)
            source.sql("KILL USER reader;")
            assert not waiting.done()
        first, second = await asyncio.gather(
            waiting, _content(connector, entries["/000-database.sql"]), return_exceptions=True
        )
        assert isinstance(first, Unreachable)  # it was lent the dead one
        assert isinstance(second, bytes | Unreachable)
        assert b"CREATE TABLE" in await asyncio.wait_for(
            _content(connector, entries["/100-tables/pair/000-table.sql"]), 30
        )
