"""The lane of large bodies, left and given up: it ends at once, leaks nothing, and the next request works."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest
import trustme
from tests.net.http_server import OK, Server, pieces, serving, streamed, url

from mover.net.http import Http, HttpSettings, http

pytestmark = pytest.mark.anyio

MIB = 1 << 20
BIG = b"x" * (3 * MIB)
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BIG), BIG)


@pytest.fixture
def settings(ca_file: Path) -> HttpSettings:
    return HttpSettings(ca_file=ca_file, connect=30.0, idle=60.0)


async def test_leaving_early_drops_the_connection(server: Server, client: Http) -> None:
    server.answer = LONG
    async with client.stream("GET", url(server)) as answer:
        assert await answer.read(10) == b"x" * 10
    await server.left()
    assert await streamed(client, url(server)) == BIG
    with pytest.raises(ValueError, match="mine"):
        async with client.stream("GET", url(server)):
            raise ValueError("mine")
    assert await streamed(client, url(server)) == BIG


async def test_leaving_a_silent_server_in_the_middle(server: Server, client: Http) -> None:
    server.answer, server.then = LONG[: 2 * MIB], "hang"
    async with client.stream("GET", url(server)) as answer:
        assert await answer.read(MIB) == b"x" * MIB
    await server.left()


@pytest.mark.parametrize("how", ["answer", "body", "upload"])
async def test_giving_up_a_silent_server(server: Server, ca_file: Path, how: str) -> None:
    server.answer, server.then = (b"" if how == "answer" else LONG[: 2 * MIB]), "hang"
    before = threading.active_count()
    async with http(HttpSettings(ca_file=ca_file, idle=60.0)) as client:
        if how == "upload":
            server.pause = 60.0
            asking = asyncio.create_task(client.upload("PUT", url(server), {}, pieces(*[BIG] * 9), 9 * len(BIG)))
        else:
            asking = asyncio.create_task(streamed(client, url(server)))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        if how != "upload":
            await server.left()
        server.then, server.answer, server.pause = "keep", OK, 0.0
        assert await streamed(client, url(server)) == b"ok"
    assert time.monotonic() - began < 5
    await asyncio.sleep(0.1)
    assert threading.active_count() <= before + 1


@pytest.mark.parametrize("ends", ["connection", "handshake"])
async def test_giving_up_while_connecting(server: Server, ca_file: Path, authority: trustme.CA, ends: str) -> None:
    other = Server()
    deaf = socket.create_server(("127.0.0.1", 0))  # takes the connection; says nothing in the handshake
    async with http(HttpSettings(ca_file=ca_file, connect=4.0)) as client:
        asking = asyncio.create_task(streamed(client, f"https://localhost:{deaf.getsockname()[1]}"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await streamed(client, url(server)) == b"ok"  # it does not wait behind the one that was given up
        assert time.monotonic() - began < 3
        if ends == "handshake":
            async with serving(other, authority.issue_cert("localhost"), listener=deaf):
                await asyncio.sleep(0.3)
                await other.left()
            assert (len(other.connections), other.heads) == (1, [])
    assert time.monotonic() - began < 3.5
    deaf.close()
    if ends == "connection":
        await asyncio.sleep(4)  # until its thread closes the socket: a ResourceWarning would be an error
