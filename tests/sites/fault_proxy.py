"""A bad network between Mover and a real server: a proxy on loopback that breaks what passes, as a script says. No site.

`tcp_proxy` knows nothing of what passes: it cuts connections, in TLS or SSH as well. `http_proxy` ends TLS with the site's own certificate
and speaks HTTP/1.1 to the server, so that it can refuse, lose answers, cut and damage bodies. Bodies are held in memory: for tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

CHUNK: Final = 1 << 16
LIMIT: Final = 1 << 17
"""Bytes of a request's or an answer's head."""


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    `refuse`: it is answered with `status` and never reaches the server; `lose`: the server does it, but the answer is
    `status`;
    `cut`: the server does it, but the connection breaks instead of an answer; `truncate`: it breaks in the middle of the answer's
    body; `spoil`: one byte of the answer's body is another; `spoil-request`: one byte of the request's is; `slow`: the body
    dribbles.
    """

    kind: Literal["refuse", "lose", "cut", "truncate", "spoil", "spoil-request", "slow"]
    status: int = 500
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Message:
    """A request or an answer: its first line, its headers as they came, and its whole body, decoded if it came in chunks."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def method(self) -> str:
        """Of a request."""
        return self.first.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """Of a request: path and query as they were sent."""
        return self.first.split(" ")[1]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.first.split(" ")[1])


Script = Callable[[Message], Fault | None]
"""Asked for each request, in order of arrival; `None` lets it pass."""


@dataclass
class Seen:
    """What passed: every request with the fault it met."""

    port: int = 0
    requests: list[tuple[Message, Fault | None]] = field(default_factory=list)

    def struck(self) -> dict[str, int]:
        """How often each kind of fault happened."""
        count: dict[str, int] = {}
        for _, fault in self.requests:
            if fault is not None:
                name = fault.kind if fault.kind not in ("refuse", "lose") else f"{fault.kind} {fault.status}"
                count[name] = count.get(name, 0) + 1
        return count


@asynccontextmanager
async def http_proxy(upstream: str, tls: Path | None, script: Script, *, rewrite: bool = False) -> AsyncGenerator[Seen]:
    """Stand before the server at the address `upstream`; `tls` is the folder of the site's certificates (`None`: plain HTTP).

    With `rewrite` the server sees its own address wherever the request's head names the proxy's (WebDAV's Destination); without it
    the head passes as it is (S3 signs it).
    """
    seen = Seen()
    link = _Link(urlsplit(upstream), tls, script, seen, rewrite=rewrite)
    async with _listening(link.serve, _server_context(tls)) as port:
        seen.port = port
        yield seen


@asynccontextmanager
async def tcp_proxy(host: str, port: int, cut_after: Callable[[int], tuple[int, int] | None]) -> AsyncGenerator[Seen]:
    """Stand before any server.

    `cut_after(n)` says of the n-th connection (from 0) after how many bytes to the server, and how many from it, it breaks, whichever
    comes first; `None` lets it live.
    """
    seen = Seen()
    numbers = iter(range(1 << 30))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limits = cut_after(next(numbers))
        there_reader, there_writer = await asyncio.open_connection(host, port)
        pumps = (
            asyncio.create_task(_pump(reader, there_writer, limits and limits[0])),
            asyncio.create_task(_pump(there_reader, writer, limits and limits[1])),
        )
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            there_writer.transport.abort()
            writer.transport.abort()
            await asyncio.gather(*pumps, return_exceptions=True)

    async with _listening(serve, None) as listening:
        seen.port = listening
        yield seen


def chance_of(
    seed: int, share: float, faults: tuple[Fault, ...], *, of: Callable[[Message], bool], most: int
) -> Script:
    """A script of chance: of the requests that `of` names, `share` meet a random one of the faults; after `most` all is well."""
    chance = random.Random(seed)
    left = [most]

    def script(request: Message) -> Fault | None:
        if left[0] == 0 or not of(request) or chance.random() >= share:
            return None
        left[0] -= 1
        return chance.choice(faults)

    return script


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
    passed = 0
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            if most is not None and passed + len(chunk) >= most:
                writer.write(chunk[: most - passed])
                await writer.drain()
                return
            passed += len(chunk)
            writer.write(chunk)
            await writer.drain()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _listening(serve: Serve, context: ssl.SSLContext | None) -> AsyncGenerator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # either end went away: a proxy's daily bread
        except asyncio.CancelledError:
            pass  # the test is over; asyncio would print the cancelled task
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context, limit=LIMIT)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _server_context(tls: Path | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "chain.pem", tls / "key.pem")
    return context


class _Link:
    """One client connection at a time, and one connection to the server for each."""

    def __init__(self, upstream: object, tls: Path | None, script: Script, seen: Seen, *, rewrite: bool) -> None:
        self._upstream = upstream
        self._script = script
        self._seen = seen
        self._rewrite = rewrite
        self._context = None if tls is None else ssl.create_default_context(cafile=str(tls / "ca.pem"))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                request = await _message(reader, answers=None)
                fault = self._script(request)
                self._seen.requests.append((request, fault))
                if fault is not None and fault.kind == "refuse":
                    _send(writer, _made(fault))
                    await writer.drain()
                    continue
                if fault is not None and fault.kind == "spoil-request":
                    request = _spoilt(request)
                if there is None:
                    there = await self._connected()
                _send(there[1], self._rewritten(request))
                await there[1].drain()
                answer = await _message(there[0], answers=request.method)
                if not await _hand_over(writer, answer, request.method, fault):
                    return
                if (answer.header("connection") or "").lower() == "close":
                    there[1].close()
                    there = None
        finally:
            if there is not None:
                there[1].transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._upstream.hostname, self._upstream.port
        context = self._context if self._upstream.scheme == "https" else None
        return await asyncio.open_connection(host, port, ssl=context, limit=LIMIT)

    def _rewritten(self, request: Message) -> Message:
        if not self._rewrite:
            return request
        mine, its = f":{self._seen.port}", f":{self._upstream.port}"
        changed = ((k, v.replace(mine, its) if k.lower() in ("host", "destination") else v) for k, v in request.headers)
        return Message(request.first, tuple(changed), request.body)


async def _hand_over(writer: asyncio.StreamWriter, answer: Message, method: str, fault: Fault | None) -> bool:
    """Give the answer to the client, as far as the fault lets it; returns whether the connection lives on."""
    kind = fault.kind if fault is not None else None
    if fault is not None and kind == "lose":
        answer = _made(fault)
    elif kind == "spoil":
        answer = _spoilt(answer)
    if kind == "cut":
        return False
    if kind == "truncate":
        _send(writer, answer, cut=len(answer.body) // 2 or None, method=method)
        await writer.drain()
        return False
    if kind == "slow":
        await _dribble(writer, answer, method)
    else:
        _send(writer, answer, method=method)
    await writer.drain()
    return True


async def _dribble(writer: asyncio.StreamWriter, answer: Message, method: str) -> None:
    _send(writer, answer, cut=0, method=method)
    step = max(1, len(answer.body) // 20)
    for at in range(0, len(answer.body) if method != "HEAD" else 0, step):
        writer.write(answer.body[at : at + step])
        await writer.drain()
        await asyncio.sleep(0.005)


async def _message(reader: asyncio.StreamReader, *, answers: str | None) -> Message:
    """A whole request (`answers` is None), or the whole answer to a request of that method."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        message = Message(first, tuple((key, value.strip()) for key, _, value in pairs), b"")
        if answers is None or message.status >= 200:
            break
    if answers == "HEAD" or (answers is not None and message.status in (204, 304)):
        return message
    return Message(first, message.headers, await _body(reader, message, until_end=answers is not None))


async def _body(reader: asyncio.StreamReader, message: Message, *, until_end: bool) -> bytes:
    length = message.header("content-length")
    if "chunked" in (message.header("transfer-encoding") or "").lower():
        body = bytearray()
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        while (await reader.readuntil(b"\r\n")) != b"\r\n":
            pass
        return bytes(body)
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read() if until_end else b""


def _send(writer: asyncio.StreamWriter, message: Message, *, cut: int | None = None, method: str = "") -> None:
    framing = ("content-length", "transfer-encoding")
    headers = [(k, v) for k, v in message.headers if k.lower() not in framing]
    if method == "HEAD":
        headers = list(message.headers)
    elif message.body or message.header("content-length") or method:
        headers.append(("Content-Length", str(len(message.body))))
    if message.first.startswith("HTTP/") and " 204" in message.first[:13]:
        headers = [(k, v) for k, v in message.headers if k.lower() not in framing]
    head = "\r\n".join([message.first, *(f"{k}: {v}" for k, v in headers), "", ""]).encode("latin-1")
    writer.write(head + (message.body if cut is None else message.body[:cut]))


def _made(fault: Fault) -> Message:
    length = ("Content-Length", str(len(fault.body)))
    return Message(f"HTTP/1.1 {fault.status} Fault", (*fault.headers, length), fault.body)


def _spoilt(message: Message) -> Message:
    if not message.body:
        return message
    middle = len(message.body) // 2
    body = message.body[:middle] + bytes([message.body[middle] ^ 1]) + message.body[middle + 1 :]
    return Message(message.first, message.headers, body)
