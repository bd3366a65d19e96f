"""HTTP to providers, behind one small face, so that the library beneath can be replaced in this one file.

No redirect is followed, nothing is decompressed and nothing is retried here: all are decisions of whoever asks. Failures of the
network become `Unreachable`, a certificate that does not hold becomes `Untrusted`; a status is never an exception at this level.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from logging import DEBUG
from typing import Final

from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import HeaderMap
from pyreqwest.request import RequestBuilder
from pyreqwest.response import ResponseBodyReader

from mover.core.errors import Damaged, Unfit, Unreachable
from mover.net._http_faults import host_of, not_encrypted, translated
from mover.net._http_log import LOG, told
from mover.net.bulk import Bulk, Exchange
from mover.net.http_settings import HttpSettings, client

__all__ = ["CHUNK", "NO_HEADERS", "Answer", "Headers", "Http", "HttpSettings", "StreamedAnswer", "http"]

Headers = Mapping[str, str]
NO_HEADERS: Final[Headers] = {}
CHUNK: Final = 1 << 20
"""Bytes asked for in one read of a stream."""

_LARGE: Final = 1 << 18
"""Bytes from which a body goes the way of the large ones."""

LONGEST_ANSWER: Final = 32 << 20
"""Bytes that an answer may have that is kept in memory whole."""

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

    __slots__ = ("_exchange", "headers", "received", "status")

    def __init__(self, status: int, headers: HeaderMap, exchange: Exchange) -> None:
        self.status = status
        self.headers = headers
        self.received = 0
        """Bytes of the body that were read."""
        self._exchange = exchange

    def header(self, name: str) -> str | None:
        """One header, whatever its case."""
        return self.headers.get(name)

    async def read(self, amount: int = CHUNK) -> bytes:
        """Up to `amount` bytes; empty at the end.

        Raises:
            Unreachable: the connection broke before the end of the body, or nothing came for too long.
        """
        data = await self._exchange.read(amount)
        self.received += len(data)
        return data

    async def rest(self, limit: int = 1 << 20) -> bytes:
        """What is left of the body, at most `limit` bytes: for error texts."""
        got = bytearray()
        while len(got) < limit and (chunk := await self.read(min(CHUNK, limit - len(got)))):
            got += chunk
        return bytes(got)


class Http:
    """A pool of connections. Made by `http`; many requests may run at once."""

    def __init__(self, client: Client, bulk: Bulk, *, allow_plain: bool) -> None:
        self._client = client
        self._bulk = bulk
        self._allow_plain = allow_plain

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers = NO_HEADERS,
        body: bytes | None = None,
        *,
        longest: int = LONGEST_ANSWER,
    ) -> Answer:
        """One request, its body in memory, or none; the whole answer, of at most `longest` bytes where the body sent is small.

        Raises:
            Unreachable: no connection, or it broke, or nothing moved for `idle` seconds, or the answer is longer than that.
            Untrusted: the server's certificate does not hold.
        """
        if body is not None and len(body) >= _LARGE:
            return await self.upload(method, url, headers, body, len(body))
        request = _request(self._client, method, url, headers)
        if body is not None:
            request = request.body_bytes(body) if body else request.header("content-length", "0")
        try:
            async with request.build_streamed() as response:
                return Answer(response.status, response.headers, await _all_of(response.body_reader, longest))
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
        self._check(url)
        async with self._bulk.exchange(method, url) as exchange:
            if isinstance(chunks, bytes):
                _must_be(len(chunks), size)
                await exchange.begin(headers, size)
                await exchange.send(chunks)
            else:
                await exchange.begin(headers, size)
                async with aclosing(_whole(chunks, size)) as pieces:
                    async for piece in pieces:
                        if not await exchange.send(piece):
                            break
            status, told = await exchange.answer()
            return Answer(status, HeaderMap(told), await _all_of(exchange))

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Headers = NO_HEADERS, body: bytes | None = None
    ) -> AsyncGenerator[StreamedAnswer]:
        """One request whose answer is read piece by piece; leaving the block early drops the connection."""
        self._check(url)
        async with self._bulk.exchange(method, url) as exchange:
            status, told = await exchange.ask(headers, body)
            yield StreamedAnswer(status, HeaderMap(told), exchange)

    def _check(self, url: str) -> None:
        _must_not_fold(url)
        if not self._allow_plain and not url.startswith("https://"):
            raise not_encrypted(host_of(url))


class _Logged(Http):
    """The same, each request told to the log."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers = NO_HEADERS,
        body: bytes | None = None,
        *,
        longest: int = LONGEST_ANSWER,
    ) -> Answer:
        if body is not None and len(body) >= _LARGE:
            return await self.upload(method, url, headers, body, len(body))
        with told(method, url, len(body or b"")) as request:
            answer = await super().send(method, url, headers, body, longest=longest)
            request.status, request.received = answer.status, len(answer.body)
            return answer

    async def upload(
        self, method: str, url: str, headers: Headers, chunks: AsyncIterator[bytes] | bytes, size: int | None
    ) -> Answer:
        with told(method, url, size) as request:
            answer = await super().upload(method, url, headers, chunks, size)
            request.status, request.received = answer.status, len(answer.body)
            return answer

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Headers = NO_HEADERS, body: bytes | None = None
    ) -> AsyncGenerator[StreamedAnswer]:
        with told(method, url, len(body or b"")) as request:
            async with super().stream(method, url, headers, body) as answer:
                request.status = answer.status
                try:
                    yield answer
                finally:
                    request.received = answer.received


@asynccontextmanager
async def http(settings: HttpSettings) -> AsyncGenerator[Http]:
    """A pool of connections that is closed when the block ends. TLS 1.2 or newer only.

    Raises:
        BadOption: `ca_file` or `proxy` cannot be used.
    """
    bulk = Bulk(settings)
    try:
        async with client(settings) as made:
            face = _Logged if LOG.isEnabledFor(DEBUG) else Http  # what is off costs nothing
            yield face(made, bulk, allow_plain=settings.allow_plain)
    finally:
        await bulk.close()


def _request(client: Client, method: str, url: str, headers: Headers) -> RequestBuilder:
    _must_not_fold(url)
    try:
        return client.request(method, url).headers(headers)
    except (PyreqwestError, ValueError) as problem:
        raise translated(problem, host_of(url)) from None


def _must_not_fold(url: str) -> None:
    if ("/." in url or "/%2" in url) and _DOTS.match(url):
        raise Unfit("a path with a part `.` or `..` cannot be sent over HTTP")


async def _all_of(body: Exchange | ResponseBodyReader, longest: int = LONGEST_ANSWER) -> bytes:
    got = bytearray()
    while chunk := await body.read(min(CHUNK, longest + 1)):
        got += chunk
        if len(got) > longest:
            raise Unreachable(f"the server answers without end: {longest >> 10} KiB and more")
    return bytes(got)


async def _whole(chunks: AsyncIterator[bytes], size: int | None) -> AsyncGenerator[bytes]:
    """`chunks`, one behind, so that the last one goes out only when the stream has ended with `size` bytes."""
    held, count = b"", 0
    async for chunk in chunks:
        count += len(chunk)
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
