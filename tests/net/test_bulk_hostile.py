"""The lane of large bodies against servers that mean harm, or know no better: it ends, in bounded memory, never with a wrong body."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest
from tests.net.http_server import OK, Server, pieces, streamed, url

from mover.core.errors import BadAddress, Unreachable
from mover.net.http import LONGEST_ANSWER, Http, HttpSettings

pytestmark = pytest.mark.anyio

MIB = 1 << 20
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: "
UNCLEAR = {
    "length is a word": PLAIN + b"five\r\n\r\nhello",
    "length is negative": PLAIN + b"-5\r\n\r\nhello",
    "length has a sign": PLAIN + b"+6\r\n\r\nhello",
    "length as Python writes numbers": PLAIN + b"0_6\r\n\r\nhello",
    "length is a superscript": PLAIN + b"\xb2\r\n\r\nhello",
    "length is endless": PLAIN + b"9" * 5000 + b"\r\n\r\nhello",
    "two lengths": PLAIN + b"5\r\nContent-Length: 4\r\n\r\nhello",
    "a line that is no header": b"HTTP/1.1 200 OK\r\nX: y\r\nnonsense\r\nContent-Length: 9\r\n\r\nhello",
    "an encoding nobody asked for": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a name that is none": b"HTTP/1.1 200 OK\r\nX@Y: 1\r\nContent-Length: 5\r\n\r\nhello",
    "a control character": b"HTTP/1.1 200 OK\r\nX: \x01\r\nContent-Length: 5\r\n\r\nhello",
    "chunk of a negative size": CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n",
    "chunk's size as Python writes numbers": CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n",
    "chunk's size is empty": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk's size is endless": CHUNKED + b"f" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    "chunk is longer than it says": CHUNKED + b"3\r\nhello0\r\n\r\n",
    "chunk is shorter than it says": CHUNKED + b"7\r\nhello\r\n0\r\n\r\n",
    "chunk of terabytes": CHUNKED + b"fffffffffff\r\nhello\r\n0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a status that is none": b"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
    "one huge header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * (20 << 20) + b"\r\nContent-Length: 5\r\n\r\nhello",
}
ENDLESS = {
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "a header": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "103 Early Hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" * 1000),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "a chunk's size": (CHUNKED, b"0" * 65536),
}
ENDLESS_BODIES = {
    "a length": (PLAIN + b"9" * 15 + b"\r\n\r\n", b"y" * 65536),
    "chunks": (CHUNKED, b"10000\r\n" + b"y" * 65536 + b"\r\n"),
    "to the end": (b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n", b"y" * 65536),
}
CLEAR = {
    "chunked wins over a length": CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "the same length twice": PLAIN + b"5\r\nContent-Length: 5\r\n\r\nhello",
    "blanks around the length": b"HTTP/1.1 200 OK\r\nContent-Length:\t5 \r\n\r\nhello",
    "chunks with extensions and trailers": CHUNKED + b"2;a=b\r\nhe\r\n0003 \r\nllo\r\n0\r\nX: y\r\n\r\n",
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\nX: y\r\n\r\n" + PLAIN + b"5\r\n\r\nhello",
    "a folded header": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.fixture
def settings(ca_file: Path) -> HttpSettings:
    return HttpSettings(ca_file=ca_file, idle=2.0)


@pytest.mark.parametrize("how", UNCLEAR)
async def test_what_can_be_understood_in_two_ways_is_an_error(server: Server, client: Http, how: str) -> None:
    server.answer, server.then = UNCLEAR[how], "close"
    with pytest.raises(Unreachable):
        await streamed(client, url(server))
    with pytest.raises(Unreachable):
        await client.upload("PUT", url(server), {}, b"1", 1)
    server.answer, server.then = OK, "keep"
    assert await streamed(client, url(server)) == b"ok"


@pytest.mark.parametrize("how", CLEAR)
async def test_what_is_clear_is_understood(server: Server, client: Http, how: str) -> None:
    server.answer = CLEAR[how]
    assert [await streamed(client, url(server)) for _ in range(3)] == [b"hello"] * 3
    assert len(server.connections) == 1


async def test_a_long_body_may_have_many_chunks(server: Server, client: Http) -> None:
    server.answer = CHUNKED + b"1;x=y\r\nz\r\n" * 60_000 + b"0\r\n\r\n"
    assert await streamed(client, url(server)) == b"z" * 60_000


@pytest.mark.parametrize("how", ENDLESS)
async def test_who_talks_without_end_is_not_listened_to(server: Server, client: Http, how: str) -> None:
    server.answer, server.flood = ENDLESS[how]
    tracemalloc.start()
    try:
        with pytest.raises(Unreachable, match=r"no end|more than|is no number"):
            await asyncio.wait_for(streamed(client, url(server)), 10)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    await server.left()


@pytest.mark.parametrize("how", [*ENDLESS, *ENDLESS_BODIES])
async def test_an_upload_is_not_answered_without_end(server: Server, client: Http, how: str) -> None:
    server.answer, server.flood = (ENDLESS | ENDLESS_BODIES)[how]
    tracemalloc.start()
    try:
        for body in (b"x" * MIB, pieces(b"x" * MIB)):
            with pytest.raises(Unreachable, match=r"no end|without end|more than|is no number"):
                await asyncio.wait_for(client.upload("PUT", url(server), {}, body, MIB), 30)
        assert tracemalloc.get_traced_memory()[1] < 3 * LONGEST_ANSWER
    finally:
        tracemalloc.stop()
    server.answer, server.flood = OK, b""
    assert (await client.upload("PUT", url(server), {}, b"1", 1)).body == b"ok"
    assert len(server.connections) == 3


@pytest.mark.parametrize("how", ENDLESS_BODIES)
async def test_a_small_request_is_not_answered_without_end(server: Server, client: Http, how: str) -> None:
    server.answer, server.flood = ENDLESS_BODIES[how]
    with pytest.raises(Unreachable, match="without end"):
        await asyncio.wait_for(client.send("PUT", url(server), {}, b"1"), 30)
    await server.left()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No\r\n\r\n",
        b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 No\r\n" + CHUNKED[17:],
    ],
)
async def test_an_answer_without_a_body(server: Server, client: Http, answer: bytes) -> None:
    server.answer = answer
    assert [await streamed(client, url(server)), await streamed(client, url(server))] == [b"", b""]
    assert len(server.connections) == 1


async def test_what_a_server_says_in_place_of_an_answer_is_not_shown(server: Server, client: Http) -> None:
    server.answer = b"s3cr3t content of a file\r\n\r\n"
    with pytest.raises(Unreachable, match="not HTTP") as caught:
        await streamed(client, url(server))
    assert "s3cr3t" not in str(caught.value)


async def test_the_answer_to_head_has_no_body(server: Server, client: Http) -> None:
    server.answer = PLAIN + b"5\r\n\r\n"
    assert [await streamed(client, url(server), "HEAD"), await streamed(client, url(server), "HEAD")] == [b"", b""]
    assert len(server.connections) == 1


async def test_what_comes_after_the_answer_is_nobodys_answer(server: Server, client: Http) -> None:
    server.answer = OK + b"x" * 12000 + OK
    assert await streamed(client, url(server)) == b"ok"
    server.answer = PLAIN + b"5\r\n\r\nhello"
    assert await streamed(client, url(server)) == b"hello"
    assert len(server.connections) == 2


@pytest.mark.parametrize(
    "header", [("x", "s3cr3t\n b"), ("x", "s3cr3t\x00"), ("x s3cr3t", "b"), ("s3cr3t\n", "b"), ("", "b")]
)
async def test_what_cannot_be_a_header_is_neither_sent_nor_shown(
    server: Server, client: Http, header: tuple[str, str]
) -> None:
    with pytest.raises(BadAddress) as caught:
        async with client.stream("GET", url(server), dict([header])):
            pass
    with pytest.raises(BadAddress):
        await client.upload("PUT", url(server), dict([header]), b"1", 1)
    assert "s3cr3t" not in str(caught.value)
    assert server.heads == []
