"""An operator's database over TCP proves who it is, or is not spoken to."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Generator
from pathlib import Path

import pytest
import trustme
from sqlalchemy import text
from tests.postgres import public_folder
from tests.sites.base import free_port
from tests.store.operators import PASSWORD, Operators, operators_server

from mover.core.errors import DatabaseFailed, DatabaseRefused, DatabaseUnreachable, DatabaseUntrusted
from mover.store.database import Database
from mover.store.migrations import upgrade

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Generator[Operators]:
    """One for all tests here."""
    with public_folder() as folder, operators_server(folder) as running:
        yield running


async def channel(url: str) -> tuple[str, bool, str]:
    query = text("SELECT current_user, ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    async with Database(url) as database, database.read() as connection:
        user, ssl, version = (await connection.execute(query)).one()
        return user, ssl, version


async def refused(url: str, kind: type[DatabaseFailed], said: str, host: str = "localhost") -> None:
    with pytest.raises(DatabaseFailed) as caught:
        await channel(url)
    assert type(caught.value) is kind
    assert said in caught.value.detail
    assert host in caught.value.detail
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


async def test_a_server_that_proves_who_it_is_is_accepted(server: Operators) -> None:
    assert await channel(server.url(f"sslrootcert={server.ca}")) == ("postgres", True, "TLSv1.3")


async def test_variables_of_libpq_do_not_weaken_it(server: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGSSLMODE": "disable", "PGGSSENCMODE": "prefer", "PGSSLROOTCERT": "/nothing"}.items():
        monkeypatch.setenv(name, value)
    assert await channel(server.url(f"sslrootcert={server.ca}")) == ("postgres", True, "TLSv1.3")


async def test_a_certificate_of_an_unknown_authority_is_refused(server: Operators, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    await refused(server.url(f"sslrootcert={tmp_path / 'other.pem'}"), DatabaseUntrusted, "certificate verify failed")


async def test_without_an_authority_the_systems_count(server: Operators) -> None:
    await refused(server.url(), DatabaseUntrusted, "certificate")


async def test_authorities_that_are_not_there_are_told(server: Operators) -> None:
    await refused(server.url("sslrootcert=/no/such.pem"), DatabaseUntrusted, "/no/such.pem")


async def test_a_certificate_that_names_another_host_is_refused(server: Operators) -> None:
    await refused(
        server.url(f"sslrootcert={server.ca}", host="127.0.0.1"), DatabaseUntrusted, "does not match", "127.0.0.1"
    )


async def test_a_client_certificate_opens_the_door(server: Operators) -> None:
    async with Database(server.url(f"sslrootcert={server.ca}")) as database, database.transaction() as connection:
        await connection.execute(text("CREATE ROLE by_certificate LOGIN"))
    shown = f"sslrootcert={server.ca}&sslcert={server.client_cert}&sslkey={server.client_key}"
    assert await channel(server.url(shown, user="by_certificate", password="")) == ("by_certificate", True, "TLSv1.3")
    await refused(server.url(f"sslrootcert={server.ca}", user="by_certificate"), DatabaseRefused, "certificate")


async def test_a_key_that_others_can_read_is_refused(server: Operators, tmp_path: Path) -> None:
    key = tmp_path / "open.key"
    key.write_bytes(server.client_key.read_bytes())
    key.chmod(0o644)
    shown = f"sslrootcert={server.ca}&sslcert={server.client_cert}&sslkey={key}"
    await refused(server.url(shown, user="by_certificate"), DatabaseRefused, "group or world access")


async def test_a_wrong_password_is_told_with_the_host_and_without_the_password(server: Operators) -> None:
    wrong = server.url(f"sslrootcert={server.ca}", password=PASSWORD + "-wrong")
    await refused(wrong, DatabaseRefused, "password authentication failed")


async def test_a_server_without_tls_gets_no_password() -> None:
    heard = bytearray()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readexactly(8))
        writer.write(b"N")
        heard.extend(await reader.read())
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        await refused(
            f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/x", DatabaseUntrusted, "does not support SSL", "127.0.0.1"
        )
    assert bytes(heard) == bytes.fromhex("0000000804d2162f")  # SSLRequest, and nothing after the server's no


async def test_a_server_that_is_not_there_is_told_by_its_host() -> None:
    await refused(f"postgresql://me:{PASSWORD}@127.0.0.1:{free_port()}/x", DatabaseUnreachable, "refused", "127.0.0.1")
    await refused(
        f"postgresql://me:{PASSWORD}@nowhere.invalid/x", DatabaseUnreachable, "nowhere.invalid", "nowhere.invalid"
    )


async def test_the_schema_is_made_in_an_operators_database_too(server: Operators) -> None:
    async with Database(server.url(f"sslrootcert={server.ca}")) as database:
        assert "0000" in await upgrade(database)
        assert await upgrade(database) == []
