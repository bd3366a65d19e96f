"""The lane of large bodies against real servers: connections that are used again, cut, refused, given up."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from tests.net.http_server import OK, Server, pieces, serving, streamed, url

from mover.core.errors import Unreachable, Untrusted
from mover.net.http import Http

pytestmark = pytest.mark.anyio

MIB = 1 << 20
BIG = b"x" * (3 * MIB)
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BIG), BIG)
CLOSE = b"HTTP/1.1 %b\r\nConnection: close\r\n"
WHOLE = {
    "length": CLOSE % b"200 OK" + b"Content-Length: 5\r\n\r\nhello",
    "to the end": CLOSE % b"200 OK" + b"\r\nhello",
    "chunked": CLOSE % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "old": b"HTTP/1.0 200 OK\r\n\r\nhello",
}
CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
    "blank after length": b"HTTP/1.1 200 OK\r\nContent-Length: 6 \r\n\r\nhello",
    "length and close": CLOSE % b"200 OK" + b"Content-Length: 6\r\n\r\nhello",
    "chunk": CLOSE % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n6\r\nhello",
    "after a chunk": CLOSE % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "size of a chunk": CLOSE % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0",
    "head": CLOSE % b"200 OK" + b"Content-Le",
    "status": b"HTTP/1.1 200 O",
    "nothing": b"",
}


async def test_a_connection_is_used_again(server: Server, client: Http) -> None:
    server.answer = LONG
    for _ in range(3):
        assert await streamed(client, url(server)) == BIG
        assert (await client.upload("PUT", url(server), {}, BIG, len(BIG))).body == BIG
        await client.upload("PUT", url(server), {}, pieces(BIG, b""), None)
    assert len(server.connections) == 1


@pytest.mark.parametrize("body", [b"", b"1"])
async def test_an_upload_of_unknown_size_ends_once(server: Server, client: Http, body: bytes) -> None:
    for _ in range(2):
        await client.upload("PUT", url(server), {}, body, None)
        await client.upload("PUT", url(server), {}, pieces(b"", body, b""), None)
    assert server.bodies == [body] * 4
    assert len(server.connections) == 1
    assert all("transfer-encoding: chunked" in head and "content-length" not in head for head in server.heads)


@pytest.mark.parametrize("farewell", [True, False])
async def test_a_connection_that_was_closed_while_it_rested_is_not_used(
    server: Server, client: Http, *, farewell: bool
) -> None:
    await streamed(client, url(server))
    await server.hang_up(farewell=farewell)
    assert await streamed(client, url(server)) == b"ok"
    await server.hang_up(farewell=farewell)
    assert (await client.upload("PUT", url(server), {}, pieces(BIG), len(BIG))).status == 200
    assert len(server.connections) == 3


async def test_a_request_is_sent_again_where_the_connection_was_dying(server: Server, client: Http) -> None:
    await streamed(client, url(server))
    server.once = [(b"", "drop")]
    assert await streamed(client, url(server)) == b"ok"
    assert (len(server.heads), len(server.connections)) == (3, 2)


async def test_a_request_is_not_sent_again_on_a_fresh_connection(server: Server, client: Http) -> None:
    server.answer, server.then = b"", "drop"
    with pytest.raises(Unreachable):
        await streamed(client, url(server))
    assert len(server.heads) == 1


@pytest.mark.parametrize("how", WHOLE)
async def test_an_answer_after_which_the_server_closes(server: Server, client: Http, how: str) -> None:
    server.answer, server.then = WHOLE[how], "close"
    for _ in range(2):
        assert await streamed(client, url(server)) == b"hello"
        assert (await client.upload("PUT", url(server), {}, BIG, len(BIG))).body == b"hello"
    assert len(server.connections) == 4


@pytest.mark.parametrize("then", ["close", "drop"])
@pytest.mark.parametrize("how", CUT)
async def test_a_cut_answer_is_never_a_short_success(server: Server, client: Http, how: str, then: str) -> None:
    server.answer, server.then = CUT[how], then
    with pytest.raises(Unreachable):
        await streamed(client, url(server))
    with pytest.raises(Unreachable):
        await client.upload("PUT", url(server), {}, BIG, len(BIG))


async def test_an_end_without_farewell_is_a_cut(server: Server, client: Http) -> None:
    server.answer, server.then = WHOLE["to the end"], "drop"
    with pytest.raises(Unreachable):
        await streamed(client, url(server))


@pytest.mark.parametrize("size", [5 * len(BIG), None])
@pytest.mark.parametrize(("status", "then"), [(b"413 No", "close"), (b"507 Full", "hang")])
async def test_an_answer_before_the_bodys_end(
    server: Server, client: Http, status: bytes, then: str, size: int | None
) -> None:
    server.answer, server.then, server.early = CLOSE % status + b"Content-Length: 3\r\n\r\nwhy", then, 1 << 16
    for body in (BIG * 5, pieces(*[BIG] * 5)):
        answer = await client.upload("PUT", url(server), {}, body, size)
        assert (answer.status, answer.body) == (int(status[:3]), b"why")
    server.then, server.early, server.answer = "keep", None, OK
    assert (await client.upload("PUT", url(server), {}, BIG, len(BIG))).status == 200


@pytest.mark.parametrize("size", [5 * len(BIG), None])
@pytest.mark.parametrize("status", [b"200 OK", b"201 Created", b"204 No Content"])
async def test_a_yes_before_the_bodys_end_is_no_success(
    server: Server, client: Http, status: bytes, size: int | None
) -> None:
    server.answer, server.then, server.early = CLOSE % status + b"Content-Length: 0\r\n\r\n", "close", 1 << 16
    for body in (BIG * 5, pieces(*[BIG] * 5)):
        with pytest.raises(Unreachable):
            await client.upload("PUT", url(server), {}, body, size)


async def test_a_reset_in_the_middle_of_an_upload(server: Server, client: Http) -> None:
    server.answer, server.then, server.early = b"", "drop", 1 << 16
    for body in (BIG * 5, pieces(*[BIG] * 5)):
        with pytest.raises(Unreachable):
            await client.upload("PUT", url(server), {}, body, 5 * len(BIG))


async def test_many_at_once(server: Server, client: Http) -> None:
    server.answer = LONG
    assert set(await asyncio.gather(*(streamed(client, url(server)) for _ in range(64)))) == {BIG}
    many = len(server.connections)
    uploads = [client.upload("PUT", url(server), {}, pieces(BIG), len(BIG)) for _ in range(64)]
    assert {answer.status for answer in await asyncio.gather(*uploads)} == {200}
    assert len(server.connections) == many <= 64


async def test_headers_that_are_not_ascii(server: Server, client: Http) -> None:
    server.answer = OK.replace(b"Yes", "schön".encode())
    sent = {"x-name": "schön 日本"}
    await client.send("GET", url(server), sent)
    async with client.stream("GET", url(server), sent) as answer:
        assert answer.header("x-echo") == r"sch\xc3\xb6n"
    assert ["x-name: schön 日本" in head.lower() for head in server.heads] == [True, True]


async def test_a_given_header_replaces_our_own(server: Server, client: Http) -> None:
    given = {"User-Agent": "me", "ACCEPT": "text/plain", "Content-Length": "3"}
    await client.upload("PUT", url(server), given, b"123", 3)
    head = server.heads[0].lower()
    assert "user-agent: me" in head and "accept: text/plain" in head
    assert [head.count(f"\r\n{name.lower()}:") for name in given] == [1, 1, 1]


async def test_an_address_of_ipv6(authority: trustme.CA, client: Http) -> None:
    server = Server()
    async with serving(server, authority.issue_cert("::1"), "[::1]") as address:
        assert await streamed(client, address) == b"ok"
    assert f"host: [::1]:{server.port}\r\n" in server.heads[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
async def test_an_old_tls_is_refused(authority: trustme.CA, client: Http) -> None:
    leaf = authority.issue_cert("localhost")
    async with serving(Server(), leaf, newest=ssl.TLSVersion.TLSv1_1) as address:
        lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        lax.minimum_version = ssl.TLSVersion.TLSv1_1
        lax.set_ciphers("ALL:@SECLEVEL=0")
        authority.configure_trust(lax)
        _, writer = await asyncio.open_connection("localhost", int(address.rpartition(":")[2]), ssl=lax)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.1"
        writer.transport.abort()
        with pytest.raises(Unreachable):
            await streamed(client, address)


async def test_a_certificate_that_does_not_hold(client: Http, authority: trustme.CA) -> None:
    for leaf in (trustme.CA().issue_cert("localhost"), authority.issue_cert("elsewhere.example")):
        async with serving(Server(), leaf) as address:
            with pytest.raises(Untrusted):
                await streamed(client, address)
            with pytest.raises(Untrusted):
                await client.upload("PUT", address, {}, BIG, len(BIG))
