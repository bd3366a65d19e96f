"""HTTP to providers, behind one small face, so that the library beneath can be replaced in this one file.

No redirect is followed, nothing is decompressed and nothing is retried here: all are decisions of whoever asks. Failures of the
network become `Unreachable`, a certificate that does not hold becomes `Untrusted`; a status is never an exception at this level.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import HeaderMap
from pyreqwest.request import RequestBuilder
from pyreqwest.response import Response

from mover.core.errors import Damaged, Unfit, Unreachable
from mover.net._http_faults import host_of, translated
from mover.net.http_settings import HttpSettings, clients

__all__ = ["CHUNK", "NO_HEADERS", "Answer", "Headers", "Http", "HttpSettings", "StreamedAnswer", "http"]

Headers = Mapping[str, str]
NO_HEADERS: Final[Headers] = {}
CHUNK: Final = 1 << 20
"""Bytes asked for in one read of a stream."""

_LARGE: Final = 1 << 18
"""Bytes from which a body goes by the patient client: the library's read timeout would count the whole time of sending."""

_SLOWEST: Final = 1 << 14
"""Bytes per second below which a body counts as stalled."""

_BUFFERED: Final = 1 << 22
"""Bytes of a stream that may lie in buffers on their way, where nobody sees them move."""

_DOTS: Final = re.compile(r"[^?#]*/(?:\.|%2e){1,2}(?:[/?#]|$)", re.IGNORECASE)
"""A path with a segment `.` or `..`, which the library would fold away (WHATWG URL): another item would be meant."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` are found whatever the case of their names."""

    status: int
    headers: HeaderMap
    body: bytes

    def header(self, name: str) -> str | None:
        """One header, whatever its case."""
        return self.headers.get(name)


class StreamedAnswer:
    """An answer whose body is still coming."""

    __slots__ = ("_host", "_idle", "_reader", "headers", "status")

    def __init__(self, response: Response, host: str, idle: float) -> None:
        self.status: int = response.status
        self.headers: HeaderMap = response.headers
        self._reader = response.body_reader
        self._host = host
        self._idle = idle

    def header(self, name: str) -> str | None:
        """One header, whatever its case."""
        return self.headers.get(name)

    async def read(self, amount: int = CHUNK) -> bytes:
        """Up to `amount` bytes; empty at the end.

        Raises:
            Unreachable: the connection broke before the end of the body, or nothing came for too long.
        """
        async with _patience(self._idle, self._host):
            piece = await self._reader.read(amount)
        return b"" if piece is None else piece.to_bytes()

    async def rest(self, limit: int = 1 << 20) -> bytes:
        """What is left of the body, at most `limit` bytes: for error texts."""
        got = bytearray()
        while len(got) < limit and (chunk := await self.read(min(CHUNK, limit - len(got)))):
            got += chunk
        return bytes(got)


class Http:
    """A pool of connections. Made by `http`; many requests may run at once."""

    def __init__(self, quick: Client, patient: Client, idle: float) -> None:
        self._quick = quick
        self._patient = patient
        self._idle = idle

    async def send(self, method: str, url: str, headers: Headers = NO_HEADERS, body: bytes | None = None) -> Answer:
        """One request, its body in memory, or none; the whole answer.

        Raises:
            Unreachable: no connection, or it broke, or nothing moved for `idle` seconds.
            Untrusted: the server's certificate does not hold.
        """
        if body is not None and len(body) >= _LARGE:
            return await self.upload(method, url, headers, body, len(body))
        request = _request(self._quick, method, url, headers)
        if body is not None:
            request = _with(request, body)
        try:
            response = await request.build().send()
            return Answer(response.status, response.headers, (await response.bytes()).to_bytes())
        except PyreqwestError as problem:
            raise translated(problem, host_of(url)) from None

    async def upload(
        self, method: str, url: str, headers: Headers, chunks: AsyncIterator[bytes] | bytes, size: int | None
    ) -> Answer:
        """One request with a large body of `size` bytes (`None`: chunked encoding). Bytes are sent as they lie, without a copy.

        The last piece of a stream is held back until the stream has ended well, so that no server ever takes a body that is
        too short or too long for a whole one.

        Raises:
            Damaged: `chunks` are more or fewer bytes than `size`.
            Unreachable, Untrusted: as for `send`. Errors that `chunks` raises come out as they are.
        """
        request = _request(self._patient, method, url, headers)
        patience = self._idle
        if isinstance(chunks, bytes):
            _must_be(len(chunks), size)
            patience += len(chunks) / _SLOWEST
            request = _with(request, chunks)
        elif size is not None:
            request = request.header("content-length", str(size))
        async with _patience(patience, host_of(url)) as clock:
            if not isinstance(chunks, bytes):
                request = request.body_stream(_whole(chunks, size, clock, self._idle))
            response = await request.build().send()
            return Answer(response.status, response.headers, (await response.bytes()).to_bytes())

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Headers = NO_HEADERS, body: bytes | None = None
    ) -> AsyncGenerator[StreamedAnswer]:
        """One request whose answer is read piece by piece; leaving the block early drops the connection."""
        host = host_of(url)
        request = _request(self._patient, method, url, headers)
        if body is not None:
            request = request.body_bytes(body)
        streamed = request.build_streamed()
        async with _patience(self._idle, host):
            response = await streamed.__aenter__()
        try:
            yield StreamedAnswer(response, host, self._idle)
        finally:
            await streamed.__aexit__(None, None, None)


@asynccontextmanager
async def http(settings: HttpSettings) -> AsyncGenerator[Http]:
    """A pool of connections that is closed when the block ends. TLS 1.2 or newer only.

    Raises:
        BadOption: `ca_file` or `proxy` cannot be used.
    """
    quick, patient = clients(settings)
    async with quick, patient:
        yield Http(quick, patient, settings.idle)


def _request(client: Client, method: str, url: str, headers: Headers) -> RequestBuilder:
    if ("/." in url or "/%2" in url) and _DOTS.match(url):
        raise Unfit("a path with a part `.` or `..` cannot be sent over HTTP")
    try:
        return client.request(method, url).headers(headers)
    except (PyreqwestError, ValueError) as problem:
        raise translated(problem, host_of(url)) from None


def _with(request: RequestBuilder, body: bytes) -> RequestBuilder:
    return request.body_bytes(body) if body else request.header("content-length", "0")


class _patience:  # noqa: N801  # used as a verb is: `async with _patience(seconds, host)`
    """At most `seconds` without a sign of life; failures of the library become ours. As cheap as a context can be."""

    __slots__ = ("_clock", "_host", "_seconds")

    def __init__(self, seconds: float, host: str) -> None:
        self._clock = asyncio.timeout(seconds)
        self._seconds = seconds
        self._host = host

    async def __aenter__(self) -> asyncio.Timeout:
        return await self._clock.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._clock.__aexit__(kind, problem, trace)
        except TimeoutError as late:
            raise Unreachable(f"no byte moved to or from {self._host} for {self._seconds:.0f} s") from late
        if isinstance(problem, PyreqwestError):
            raise translated(problem, self._host) from None


async def _whole(
    chunks: AsyncIterator[bytes], size: int | None, clock: asyncio.Timeout, idle: float
) -> AsyncGenerator[bytes]:
    """`chunks`, one behind, so that the last one goes out only when the stream has ended with `size` bytes."""
    loop = asyncio.get_running_loop()
    held, count = b"", 0
    async for chunk in chunks:
        count += len(chunk)
        clock.reschedule(loop.time() + idle + min(count, _BUFFERED) / _SLOWEST)
        if size is not None and count > size:
            break
        if held:
            yield held
        held = chunk
    _must_be(count, size)
    if held:
        yield held


def _must_be(count: int, size: int | None) -> None:
    if size is not None and count != size:
        raise Damaged(f"expected {size} bytes, got {count}{' or more' if count > size else ''}")
