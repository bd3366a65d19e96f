"""Who the connector speaks to, what it refuses, and what the server's numbers mean; against real servers."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymysql.err import InternalError, OperationalError, ProgrammingError
from tests.sites.base import certificates, free_port
from tests.sites.mariadb import MariaDb, mariadb

from mover.connectors.mysql.errors import translated
from mover.connectors.mysql.restore import HOLD
from mover.connectors.mysql.spec import SPEC
from mover.connectors.registry import connect
from mover.core.errors import (
    BadCredentials,
    BadOption,
    Damaged,
    Denied,
    Full,
    Locked,
    MoverError,
    NotEncrypted,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
    Untrusted,
)
from mover.core.model import Digest, Entry, ItemId, Kind
from mover.core.options import Options, Value
from mover.core.spec import Channel

pytestmark = pytest.mark.anyio


@dataclass
class Sent:
    """A body that may lie about its size."""

    pieces: list[bytes]
    size: int | None
    digests: tuple[Digest, ...] = ()
    whole: bytes | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mover-mysql-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def secure(home: Path) -> Iterator[MariaDb]:
    with ExitStack() as stack:
        server = stack.enter_context(mariadb(home / "secure", arguments=("--bind-address=127.0.0.1,127.0.0.2",)))
        server.sql(
            "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v LONGTEXT); INSERT INTO shop.t VALUES (1, 'old');"
        )
        yield server


@pytest.fixture(scope="module")
def plain(home: Path) -> Iterator[MariaDb]:
    with mariadb(home / "plain", tls=False) as server:
        yield server


async def _root(given: dict[str, Value]) -> Entry:
    async with connect(Options(SPEC, given)) as connector:
        return await connector.root()


def test_plain_needs_consent() -> None:
    given: dict[str, Value] = {"host": "h", "user": "u", "tls": "off"}
    with pytest.raises(NotEncrypted):
        Options(SPEC, given)
    assert Options(SPEC, {**given, "allow_unencrypted": True}).channel is Channel.NONE
    assert Options(SPEC, {"host": "h", "user": "u"}).channel is Channel.TLS


async def test_a_server_without_tls_is_refused(plain: MariaDb) -> None:
    with pytest.raises(Untrusted):
        await _root({**plain.options(), "tls": "required"})
    assert (await _root(plain.options())).kind is Kind.FOLDER


async def test_a_server_that_demands_tls_refuses_plain(secure: MariaDb) -> None:
    with pytest.raises(BadCredentials):
        await _root({"host": "127.0.0.1", "port": secure.port, "user": "mover", "password": secure.password,
                     "tls": "off", "allow_unencrypted": True})  # fmt: skip


async def test_a_bad_certificate_is_refused(secure: MariaDb, home: Path) -> None:
    assert await _root(secure.options())
    with pytest.raises(Untrusted, match=r"self-signed|unable to get"):
        await _root({k: v for k, v in secure.options().items() if k != "ca_file"})
    with pytest.raises(Untrusted):
        await _root(secure.options(ca_file=str(certificates(home / "other").ca)))
    with pytest.raises(Untrusted, match=r"127\.0\.0\.2"):
        await _root(secure.options(host="127.0.0.2"))
    with pytest.raises(BadOption):
        await _root(secure.options(ca_file="/nowhere/ca.pem"))


async def test_the_wrong_password_is_bad_credentials_and_is_not_told(secure: MariaDb) -> None:
    with pytest.raises(BadCredentials) as caught:
        await _root(secure.options(password="wrong-one-here"))
    assert "wrong-one-here" not in str(caught.value) + repr(caught.value.__cause__)


async def test_nobody_listens(secure: MariaDb) -> None:
    with pytest.raises(Unreachable):
        await _root(secure.options(port=free_port()))


async def test_a_database_that_is_not_there(secure: MariaDb) -> None:
    with pytest.raises(NotFound):
        await _root(secure.options(database="nowhere"))
    async with connect(Options(SPEC, secure.options())) as connector:
        for folder in ("nowhere", "shop/nowhere", "shop/100-tables/nowhere", "a/b/c/d/e"):
            with pytest.raises(NotFound):
                await connector.list(ItemId(folder))
        for file in (
            "shop/300-views.sql",
            "shop/100-tables/x/000-table.sql",
            "shop/100-tables/t/data-000001.sql?!",
            "x.sql",
        ):
            with pytest.raises(NotFound):
                async with connector.read(Entry(ItemId(file), None, "x", Kind.FILE)) as download:
                    assert [piece async for piece in download.chunks()]


async def test_a_reader_may_not_write(secure: MariaDb) -> None:
    async with connect(Options(SPEC, secure.options(user="reader"))) as connector:
        with pytest.raises(Denied):
            await connector.write(ItemId("shop"), "x.sql", Sent([b"INSERT INTO t VALUES (9, 'x');"], None))


async def test_only_sql_files_below_a_database(secure: MariaDb) -> None:
    async with connect(Options(SPEC, secure.options())) as connector:
        for folder, name in (("shop", "a.bin"), ("", "dump.sql"), ("shop", "../x.sql")):
            with pytest.raises(Unfit):
                await connector.write(ItemId(folder), name, Sent([b"SELECT 1;"], None))


@pytest.mark.parametrize("filler", [0, HOLD + 1])
@pytest.mark.parametrize("claim", [1, -1])
async def test_a_damaged_data_file_changes_nothing(secure: MariaDb, filler: int, claim: int) -> None:
    pieces = [b"-- Mover 1: data t\nSTART TRANSACTION;\nDELETE FROM t;\nINSERT INTO t VALUES (2, '", b"x" * (filler // 2),
              b"');\nINSERT INTO t VALUES (3, '", b"y" * (filler // 2), b"');\nCOMMIT;\n"]  # fmt: skip
    size = sum(map(len, pieces))
    async with connect(Options(SPEC, secure.options())) as connector:
        with pytest.raises(Damaged):
            await connector.write(ItemId("shop"), "data-000001.sql", Sent(pieces, size + claim))
    assert secure.sql("SELECT * FROM shop.t") == "1\told\n"


async def test_a_data_file_that_fails_in_the_middle_changes_nothing(secure: MariaDb) -> None:
    script = b"-- Mover 1: data t\nSTART TRANSACTION;\nDELETE FROM t;\nINSERT INTO t VALUES (2, 'x');\nINSERT INTO t VALUES (;\nCOMMIT;"
    async with connect(Options(SPEC, secure.options())) as connector:
        with pytest.raises(Refused, match="1064"):
            await connector.write(ItemId("shop"), "data-000001.sql", Sent([script], None))
    assert secure.sql("SELECT * FROM shop.t") == "1\told\n"


async def test_a_short_stock_dump_is_not_begun(secure: MariaDb) -> None:
    async with connect(Options(SPEC, secure.options())) as connector:
        with pytest.raises(Damaged):
            await connector.write(ItemId("shop"), "dump.sql", Sent([b"DELETE FROM t;\n"], 99))
    assert secure.sql("SELECT * FROM shop.t") == "1\told\n"


async def test_no_file_of_this_machine_is_ever_sent(secure: MariaDb, tmp_path: Path) -> None:
    (file := tmp_path / "private").write_text("7\tsecret\n")
    script = f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE t;".encode()
    async with connect(Options(SPEC, secure.options())) as connector:
        with pytest.raises(MoverError):
            await connector.write(ItemId("shop"), "x.sql", Sent([script], None))
    assert secure.sql("SELECT * FROM shop.t") == "1\told\n"


NUMBERS = [
    (OperationalError(1045, "Access denied for user 'x'@'y' (using password: YES)"), BadCredentials),
    (OperationalError(1044, "Access denied for user 'x'@'%' to database 'mysql'"), Denied),
    (OperationalError(1142, "INSERT command denied to user"), Denied),
    (OperationalError(1227, "Access denied; you need (at least one of) the SET USER privilege(s)"), Denied),
    (OperationalError(1049, "Unknown database 'nowhere'"), NotFound),
    (ProgrammingError(1146, "Table 'a.b' doesn't exist"), NotFound),
    (OperationalError(1226, "User 'x' has exceeded the 'max_user_connections' resource"), Throttled),
    (OperationalError(1203, "User x already has more than 'max_user_connections' active connections"), Throttled),
    (OperationalError(1040, "Too many connections"), Throttled),
    (OperationalError(1114, "The table 't' is full"), Full),
    (InternalError(1030, 'Got error 28 "No space left on device" from storage engine InnoDB'), Full),
    (InternalError(1030, 'Got error 194 "Tablespace is missing for a table" from storage engine InnoDB'), Refused),
    (InternalError(1021, "Disk full (/tmp/#sql); waiting for someone to free some space..."), Full),
    (OperationalError(1205, "Lock wait timeout exceeded; try restarting transaction"), Locked),
    (OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction"), Locked),
    (OperationalError(2003, "Can't connect to MySQL server on 'h' ([Errno 111] Connection refused)"), Unreachable),
    (OperationalError(2013, "Lost connection to MySQL server during query"), Unreachable),
    (OperationalError(2026, "SSL is required but the server doesn't support it"), Untrusted),
    (ProgrammingError(1064, "You have an error in your SQL syntax"), Refused),
    (ssl.SSLCertVerificationError(1, "certificate verify failed"), Untrusted),
    (ConnectionResetError(104, "Connection reset by peer"), Unreachable),
    (RuntimeError("**WARN**: Received LOAD_LOCAL packet but local_infile option is false."), Unreachable),
]


@pytest.mark.parametrize(("problem", "error"), NUMBERS, ids=[str(problem.args[0])[:9] for problem, _ in NUMBERS])
def test_numbers(problem: Exception, error: type[MoverError]) -> None:
    found = translated(problem)
    assert type(found) is error
    assert len(found.detail) < 400
