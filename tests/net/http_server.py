"""A real HTTP server that says what a test tells it to, over TLS or in plain text; and a proxy."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme

from mover.net.http import Http

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Echo: Yes\r\n\r\nok"


@dataclass
class Server:
    """Answers every request with `answer`; keeps the requests it got whole."""

    answer: bytes = OK
    then: str = "keep"  # keep | drop: no farewell | close: with TLS's farewell | hang: only listen
    flood: bytes = b""  # said again and again after the answer
    once: list[tuple[bytes, str]] = field(default_factory=list)  # other answers, and what then, for the next requests
    early: int | None = None  # bytes of a body after which the answer is given
    pause: float = 0.0  # seconds between two reads of a body
    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections[asyncio.current_task()] = writer
        try:
            while await self._one(reader, writer):
                pass
            writer.close()
            await writer.wait_closed()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    async def hang_up(self, *, farewell: bool) -> None:
        """Close the connections that rest, as a server does after a while."""
        for writer in self.connections.values():
            if farewell:
                writer.close()
            else:
                writer.transport.abort()
        await asyncio.sleep(0.1)  # until the client's side has heard of it

    async def left(self) -> None:
        """Return when every client has gone."""
        connections = [task for task in self.connections if task]
        _, still = await asyncio.wait(connections, timeout=5) if connections else (None, None)
        assert not still

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = await self._body(reader, head.lower())
        self.heads.append(head)
        self.bodies.append(body)
        answer, then = self.once.pop(0) if self.once else (self.answer, self.then)
        writer.write(answer)
        await writer.drain()
        return await self._afterwards(then, reader, writer)

    async def _afterwards(self, then: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if then == "drop":
            raise ConnectionError
        while then == "hang" and await reader.read(1 << 16):
            pass
        while self.flood:
            writer.write(self.flood)
            await writer.drain()
            await asyncio.sleep(0)
        return then == "keep"

    async def _body(self, reader: asyncio.StreamReader, head: str) -> bytes:
        if self.early is not None:
            return await reader.readexactly(self.early)
        got = bytearray()
        if "transfer-encoding: chunked" in head:
            while size := int(await reader.readline(), 16):
                got += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
            return bytes(got)
        want = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
        while len(got) < want:
            await asyncio.sleep(self.pause)
            got += await reader.readexactly(min(1 << 16, want - len(got)))
        return bytes(got)


@dataclass
class Proxy:
    """Passes on what it is asked to by CONNECT; answers 407 to whoever does not know `secret`. Plain requests get `OK`."""

    secret: str = ""
    port: int = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.secret not in head:
                writer.write(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")
            elif head.startswith("CONNECT "):
                await self._pass_on(head.split()[1], reader, writer)
            else:
                writer.write(OK)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _pass_on(self, where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = where.rpartition(":")
        theirs, mine = await asyncio.open_connection(host.strip("[]"), int(port))
        writer.write(b"HTTP/1.1 200 Go ahead\r\nX-Via: proxy\r\n\r\n")
        await asyncio.gather(_pump(reader, mine), _pump(theirs, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def serving(
    server: Server | Proxy,
    leaf: trustme.LeafCert | None,
    host: str = "localhost",
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    listener: socket.socket | None = None,
) -> AsyncGenerator[str]:
    """The server's address; in plain text without a certificate. `listener` is a socket that listens already."""
    context = None
    if leaf is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = newest
        if newest == ssl.TLSVersion.TLSv1_1:
            context.minimum_version = newest
            context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL would not speak it any more
        leaf.configure_cert(context)
    there = "127.0.0.1" if host == "localhost" else host.strip("[]")
    listening = listener or socket.create_server((there, 0), family=socket.AF_INET6 if ":" in there else socket.AF_INET)
    server.port = listening.getsockname()[1]
    started = await asyncio.start_server(server.serve, sock=listening, ssl=context)
    try:
        yield f"{'http' if context is None else 'https'}://{host}:{server.port}"
    finally:
        started.close()


async def pieces(*given: bytes | Exception) -> AsyncIterator[bytes]:
    """A body; an error among the pieces is raised there."""
    for piece in given:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def url(server: Server, path: str = "/") -> str:
    """Where a server of `serving` listens."""
    return f"https://localhost:{server.port}{path}"


async def streamed(client: Http, address: str, method: str = "GET", amount: int = 1 << 20) -> bytes:
    """The whole body, by the way of the large ones, `amount` bytes at a time."""
    data = bytearray()
    async with client.stream(method, address) as answer:
        while chunk := await answer.read(amount):
            data += chunk
    return bytes(data)
