"""FTP and FTPS when connections break, files change, and servers are odd."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.connectors.ftp_tools import MIB, ROOT, Cutting, content, cut_all, odd_server, opened, sessions
from tests.sites.base import Site

from mover.conformance.bodies import Sent, sample
from mover.connectors._kit.ftp.session import Session
from mover.core import errors as e
from mover.core.model import Entry, ItemId, Kind
from mover.core.spec import Cap

pytestmark = pytest.mark.anyio
__all__ = ["sessions"]  # a fixture


@pytest.mark.parametrize("name", ["vsftpd", "proftpd", "pyftpdlib_tls", "pyftpdlib_server"])
async def test_a_cut_connection_leaves_nothing_and_the_next_call_works(
    name: str, site: Callable[[str], Site], sessions: list[Session]
) -> None:
    async with opened(site(name)) as connector:
        folder = (await connector.make_folder(ROOT, "cut")).id
        with pytest.raises(e.Unreachable):
            await connector.write(folder, "never", Cutting(sample(20 * MIB), sessions))
        assert (await connector.list(folder)).entries == ()
        entry = await connector.write(folder, "next", Sent(b"goes on"))
        assert await content(connector, entry) == b"goes on"


@pytest.mark.parametrize("name", ["vsftpd", "proftpd"])
async def test_a_cut_download_is_never_a_short_file(
    name: str, site: Callable[[str], Site], sessions: list[Session]
) -> None:
    async with opened(site(name)) as connector:
        entry = await connector.write(ROOT, "long", Sent(sample(8 * MIB)))
        with pytest.raises((e.Unreachable, e.Changed)):  # noqa: PT012  # the cut comes while the body is read
            async with connector.read(entry) as body:
                async for _ in body.chunks():
                    cut_all(sessions)
        assert await content(connector, entry) == sample(8 * MIB)


@pytest.mark.parametrize("name", ["vsftpd", "proftpd"])
async def test_a_large_upload_goes_on_after_a_cut(
    name: str, site: Callable[[str], Site], sessions: list[Session]
) -> None:
    size, here = 64 * MIB + 5, site(name)
    async with opened(here) as connector:
        upload = await connector.begin(ROOT, "resumed", size)
        step = upload.part_size
        assert step < size
        await connector.write_part(upload, 0, Sent(sample(step)))
        with pytest.raises(e.Unreachable):
            await connector.write_part(upload, 1, Cutting(sample(step, step), sessions))
    async with opened(here) as connector:
        upload = await connector.resume(upload.state)
        assert [part.number for part in upload.done] == [0]
        parts = list(upload.done)
        for number in range(1, -(-size // step)):
            start = number * step
            parts.append(await connector.write_part(upload, number, Sent(sample(min(step, size - start), start))))
        entry = await connector.finish(upload, parts)
        assert entry.size == size
        assert await content(connector, entry) == sample(size)
        assert [x.name for x in (await connector.list(ROOT)).entries if ".mover-" in x.name] == []
        await connector.remove(entry.id)


async def test_where_uploads_cannot_go_on_there_is_one_part(site: Callable[[str], Site]) -> None:
    """ProFTPD refuses to write on in a file unless told otherwise."""
    async with opened(site("proftpd_implicit")) as connector:
        size = 64 * MIB + 5
        assert connector.part_size(size) is not None
        upload = await connector.begin(ROOT, "one part", size)
        assert upload.part_size == size
        assert connector.part_size(size) is None
        part = await connector.write_part(upload, 0, Sent(sample(size), streamed=True))
        assert (await connector.finish(upload, [part])).size == size
        await connector.remove(ItemId("one part"))


async def test_a_file_that_changed_since_it_was_listed_is_noticed(site: Callable[[str], Site]) -> None:
    here = site("vsftpd")
    assert here.folder is not None
    async with opened(here) as connector:
        for size in (100, 3 * MIB):
            entry = await connector.write(ROOT, "changes", Sent(sample(size)))
            for other in (size - 1, size + 1):
                (here.folder / "changes").write_bytes(sample(other))
                with pytest.raises(e.Changed):
                    await content(connector, entry)


async def test_the_address_in_pasv_is_ignored(tmp_path: Path) -> None:
    extra = 'Handler.masquerade_address = "192.0.2.1"\nHandler.proto_cmds = {k: v for k, v in Handler.proto_cmds.items() if k != "EPSV"}'
    with odd_server(tmp_path, extra) as site:
        async with opened(site) as connector:
            entry = await connector.write(ROOT, "x", Sent(b"arrived"))
            assert await content(connector, entry) == b"arrived"


async def test_a_server_that_never_renames_onto_a_file(tmp_path: Path) -> None:
    extra = """
import os
def ftp_RNTO(self, path, real=Handler.ftp_RNTO):
    if os.path.isfile(path):
        self.respond("550 Cannot create a file when that file already exists.")
    else:
        return real(self, path)
Handler.ftp_RNTO = ftp_RNTO
"""
    with odd_server(tmp_path, extra) as site:
        async with opened(site) as connector:
            await connector.write(ROOT, "x", Sent(b"old"))
            entry = await connector.write(ROOT, "x", Sent(b"new one"))
            assert await content(connector, entry) == b"new one"
            assert [x.name for x in (await connector.list(ROOT)).entries] == ["x"]


async def test_a_server_of_few_words(tmp_path: Path) -> None:
    """Without FEAT, MLSD, MFMT and REST: names, sizes and coarse times are there, and no more is promised."""
    extra = """
for word in ("FEAT", "MLSD", "MLST", "MFMT", "MDTM", "REST", "OPTS", "EPSV"):
    Handler.proto_cmds = {k: v for k, v in Handler.proto_cmds.items() if k != word}
"""
    with odd_server(tmp_path, extra) as site:
        async with opened(site) as connector:
            assert not connector.caps & (Cap.RANGED_READ | Cap.KEEPS_MODIFIED | Cap.SET_MODIFIED)
            entry = await connector.write(ROOT, "Grüße", Sent(sample(3 * MIB)))
            (seen,) = (await connector.list(ROOT)).entries
            assert (seen.id, seen.size) == (entry.id, 3 * MIB)
            assert await content(connector, seen) == sample(3 * MIB)
            assert (await connector.find("Grüße")).kind is Kind.FILE


async def test_a_server_that_hung_up_while_idle_is_called_again(tmp_path: Path, sessions: list[Session]) -> None:
    with odd_server(tmp_path, "Handler.timeout = 1") as site:
        async with opened(site) as connector:
            await connector.write(ROOT, "x", Sent(b"x"))
            async with asyncio.timeout(20):
                while not sessions[0].wire.has_news():  # noqa: ASYNC110  # the server ends it, not we
                    await asyncio.sleep(0.1)
            assert len((await connector.list(ROOT)).entries) == 1
            assert len(sessions) == 2


async def test_no_more_connections_than_allowed(site: Callable[[str], Site], sessions: list[Session]) -> None:
    async with opened(site("pyftpdlib_server"), connections=2) as connector:
        entry = await connector.write(ROOT, "shared", Sent(sample(100_000)))
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(content(connector, entry)) for _ in range(12)]
        assert all(task.result() == sample(100_000) for task in reading)
    assert len(sessions) <= 2


async def test_a_server_that_has_no_room_for_us(tmp_path: Path) -> None:
    with odd_server(tmp_path, "FTPServer.max_cons = 2") as site:
        async with opened(site):
            with pytest.raises(e.Throttled):
                async with opened(site):
                    pass


async def test_an_unsigned_end_of_data_is_no_end(tmp_path: Path) -> None:
    """Whoever sits on the way can end a TCP connection, but cannot sign the end of TLS data."""
    extra = "from pyftpdlib.handlers import DTPHandler\nHandler.dtp_handler.close = DTPHandler.close"
    with odd_server(tmp_path, extra, secure=True) as site:
        assert site.folder is not None
        for name in ("a", "b"):
            (site.folder / name).write_bytes(sample(1000))
        async with opened(site) as connector:
            with pytest.raises(e.Unreachable, match="close_notify"):
                await connector.list(ROOT)
            entry = await connector.find("a")
            assert await content(connector, entry) == sample(1000)  # as many bytes as it should be: nothing is missing
            with pytest.raises(e.Unreachable, match="close_notify"):
                await content(connector, Entry(entry.id, ROOT, "a", Kind.FILE))
