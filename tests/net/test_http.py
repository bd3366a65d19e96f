"""net.http against a real TLS server: what is sent, what comes back, and what becomes of every kind of broken answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme
from tests.net.http_server import Server, pieces, serving, streamed, url

from mover.core.errors import BadAddress, BadOption, Damaged, NotEncrypted, NotFound, Unfit, Unreachable, Untrusted
from mover.net.http import Http, HttpSettings, http

pytestmark = pytest.mark.anyio

CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nshort",
    "head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
}


@pytest.fixture
def settings(ca_file: Path) -> HttpSettings:
    return HttpSettings(ca_file=ca_file, idle=1.0)


async def test_a_request_and_its_answer(server: Server, client: Http) -> None:
    answer = await client.send("PUT", url(server, "/a%20b?c=d"), {"x-one": "1"}, b"body")
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.header("x-ECHO") == answer.headers["x-echo"] == "Yes"
    assert answer.header("absent") is None
    assert server.heads[0].startswith("PUT /a%20b?c=d HTTP/1.1\r\n")
    assert "x-one: 1" in server.heads[0].lower()
    assert server.bodies == [b"body"]


async def test_an_empty_body_says_that_it_is_empty(server: Server, client: Http) -> None:
    await client.send("PUT", url(server), {}, b"")
    await client.upload("PUT", url(server), {}, pieces(), 0)
    assert all("content-length: 0" in head.lower() for head in server.heads)


@pytest.mark.parametrize("how", CUT)
async def test_a_cut_answer_is_never_a_short_success(server: Server, client: Http, how: str) -> None:
    server.answer, server.then = CUT[how], "drop"
    with pytest.raises(Unreachable):
        await client.send("GET", url(server))
    with pytest.raises(Unreachable):
        await streamed(client, url(server), amount=5)


async def test_an_answer_is_not_decompressed(server: Server, client: Http) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz"
    assert (await client.send("GET", url(server))).body == b"zzzz"
    assert "accept-encoding" not in server.heads[0].lower()


async def test_a_redirect_is_not_followed(server: Server, client: Http) -> None:
    server.answer = b"HTTP/1.1 307 No\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    assert (await client.send("GET", url(server))).status == 307
    assert len(server.heads) == 1


@pytest.mark.parametrize("size", [3 << 20, None])
async def test_a_stream_is_sent_whole(server: Server, client: Http, size: int | None) -> None:
    data = [bytes([i]) * (1 << 20) for i in range(3)]
    answer = await client.upload("PUT", url(server), {}, pieces(*data), size)
    assert answer.status == 200
    assert server.bodies == [b"".join(data)]


async def test_large_bytes_are_sent_whole(server: Server, client: Http) -> None:
    data = bytes(range(256)) * 8192
    await client.upload("PUT", url(server), {}, data, len(data))
    await client.send("PUT", url(server), {}, data)
    assert server.bodies == [data, data]


@pytest.mark.parametrize("size", [5, 11, 14, 16, 20])
async def test_a_body_of_another_size_never_arrives_whole(server: Server, client: Http, size: int) -> None:
    with pytest.raises(Damaged):
        await client.upload("PUT", url(server), {}, pieces(b"12345", b"67890", b"12345"), size)
    with pytest.raises(Damaged):
        await client.upload("PUT", url(server), {}, b"123456789012345", size)
    await asyncio.sleep(0.05)
    assert server.bodies == []


@pytest.mark.parametrize("problem", [NotFound("mine"), ValueError("mine"), TimeoutError("mine"), OSError("mine")])
async def test_an_error_of_the_body_comes_out_as_it_is(server: Server, client: Http, problem: Exception) -> None:
    with pytest.raises(type(problem)) as caught:
        await client.upload("PUT", url(server), {}, pieces(b"1", problem), 2)
    assert caught.value is problem
    assert server.bodies == []


async def test_a_certificate_of_another_authority_is_untrusted(client: Http) -> None:
    async with serving(Server(), trustme.CA().issue_cert("localhost")) as address:
        with pytest.raises(Untrusted, match="UnknownIssuer"):
            await client.send("GET", address)
        with pytest.raises(Untrusted):
            await client.upload("PUT", address, {}, pieces(b"1"), 1)
        with pytest.raises(Untrusted):
            async with client.stream("GET", address):
                pass


async def test_a_certificate_of_another_name_is_untrusted(client: Http, authority: trustme.CA) -> None:
    async with serving(Server(), authority.issue_cert("elsewhere.example")) as address:
        with pytest.raises(Untrusted, match="localhost"):
            await client.send("GET", address)


async def test_silence_ends_a_request(server: Server, client: Http) -> None:
    server.answer, server.then = b"", "hang"
    with pytest.raises(Unreachable):
        await client.send("GET", url(server))
    with pytest.raises(Unreachable):
        await client.upload("PUT", url(server), {}, pieces(b"1"), 1)
    with pytest.raises(Unreachable):
        async with client.stream("GET", url(server)):
            pass


async def test_silence_ends_an_answer(server: Server, client: Http) -> None:
    server.answer, server.then = CUT["length"], "hang"
    with pytest.raises(Unreachable):
        await client.send("GET", url(server))
    with pytest.raises(Unreachable):
        await streamed(client, url(server), amount=5)


async def test_a_slow_upload_is_not_silence(server: Server, client: Http) -> None:
    server.pause = 0.1
    size = 24 << 16  # more than `idle` at this pace
    for chunks in (pieces(*[b"x" * (1 << 16)] * 24), b"x" * size):
        assert (await client.upload("PUT", url(server), {}, chunks, size)).status == 200


async def test_a_slow_reader_is_not_silence(server: Server, client: Http) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000
    count = 0
    async with client.stream("GET", url(server)) as answer:
        while chunk := await answer.read():
            count += len(chunk)
            await asyncio.sleep(0.6)
    assert count == 4_000_000


async def test_rest_is_bounded(server: Server, client: Http) -> None:
    server.answer = b"HTTP/1.1 500 No\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000
    async with client.stream("GET", url(server)) as answer:
        assert len(await answer.rest(1000)) == 1000


async def test_nobody_listens(client: Http, server: Server) -> None:
    async with serving(Server(), trustme.CA().issue_cert("localhost")) as address:
        pass
    with pytest.raises(Unreachable) as caught:
        await client.send("GET", f"{address}/?secret=s3cr3t")
    assert "s3cr3t" not in str(caught.value)


async def test_plain_http_is_refused(client: Http) -> None:
    with pytest.raises(NotEncrypted):
        await client.send("GET", "http://localhost:9/")


@pytest.mark.parametrize("path", ["/a/../b", "/a/.", "/..?x", "/%2e%2E/b", "/.%2e", "/a/./b#c"])
async def test_a_path_that_would_be_folded_is_refused(server: Server, client: Http, path: str) -> None:
    with pytest.raises(Unfit):
        await client.send("DELETE", url(server, path))
    assert server.heads == []


@pytest.mark.parametrize("path", ["/...", "/.a/b", "/a//b", "/%2Fa", "/a?b=/../c", "/%25", "/a%2e"])
async def test_a_path_arrives_as_it_was_given(server: Server, client: Http, path: str) -> None:
    await client.send("GET", url(server, path))
    assert server.heads[0].split()[1] == path


async def test_what_cannot_be_a_header_is_not_shown(server: Server, client: Http) -> None:
    with pytest.raises(BadAddress) as caught:
        await client.send("GET", url(server), {"authorization": "s3cr3t\n"})
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nZZZZ\n-----END CERTIFICATE-----\n"]
)
async def test_authorities_that_are_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(text)
    for file in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(BadOption):
            async with http(HttpSettings(ca_file=file)):
                pass


async def test_a_proxy_is_used_and_the_environments_is_not(
    server: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with http(HttpSettings(ca_file=ca_file)) as client:
        assert (await client.send("GET", url(server))).status == 200
    async with http(HttpSettings(ca_file=ca_file, proxy="http://127.0.0.1:9")) as client:
        with pytest.raises(Unreachable):
            await client.send("GET", url(server))
    with pytest.raises(BadOption, match="proxy"):
        async with http(HttpSettings(proxy="::")):
            pass
