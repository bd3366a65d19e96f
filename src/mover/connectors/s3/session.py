"""One signed request after the other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from mover.connectors.s3.address import Address, Object
from mover.connectors.s3.errors import failure
from mover.connectors.s3.signing import EMPTY, UNSIGNED, Signer
from mover.connectors.s3.xml import Element, parse
from mover.net.http import Answer, Headers, Http, StreamedAnswer

NONE: Final[Mapping[str, str]] = {}


_LOCATION: Final = (
    '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
)


class Session:
    """Requests to one store, signed and their failures raised as core errors.

    `plain` is whether they go unencrypted: then every body is signed, else TLS protects it.
    """

    def __init__(self, http: Http, where: Address, signer: Signer | None, region: str) -> None:
        self._http = http
        self._signer = signer
        self.where = where
        self.plain = where.scheme == "http"
        self.marks: bool | None = None
        """Whether the store can hold an object "name/"; `None` until one was stored."""
        self.location = None if region == "us-east-1" else _LOCATION.format(region=escape(region)).encode()
        """What a new bucket's request says of its place; the first region takes no word of it."""

    async def ask(
        self,
        method: str,
        where: Object,
        query: Mapping[str, str] = NONE,
        headers: Headers = NONE,
        body: bytes | None = None,
        *,
        item: str | None = None,
    ) -> Answer:
        """The answer to a request that succeeded. Raises what `errors` says otherwise, naming `item`."""
        url, sent = self._prepared(method, where, query, headers, self._payload(body))
        answer = await self._http.send(method, url, sent, body)
        if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
            raise failure(answer, item or where.key)
        return answer

    async def ask_xml(
        self,
        method: str,
        where: Object,
        query: Mapping[str, str] = NONE,
        headers: Headers = NONE,
        body: bytes | None = None,
    ) -> tuple[Answer, Element]:
        """The same, and the XML it answered. An error may come in an answer that began as a success (CopyObject)."""
        answer = await self.ask(method, where, query, headers, body)
        root = parse(answer.body)
        if root.tag == "Error":
            raise failure(answer, where.key)
        return answer, root

    async def put_stream(
        self, where: Object, query: Mapping[str, str], headers: Headers, chunks: AsyncIterator[bytes], size: int
    ) -> Answer:
        """A PUT of `size` bytes that come in pieces."""
        url, sent = self._prepared("PUT", where, query, headers, UNSIGNED)
        answer = await self._http.upload("PUT", url, sent, chunks, size)
        if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
            raise failure(answer, where.key)
        return answer

    @asynccontextmanager
    async def get_stream(self, where: Object, headers: Headers) -> AsyncGenerator[StreamedAnswer]:
        """A GET whose body comes in pieces."""
        url, sent = self._prepared("GET", where, NONE, headers, EMPTY)
        async with self._http.stream("GET", url, sent) as answer:
            if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
                raise failure(Answer(answer.status, answer.headers, await answer.rest()), where.key)
            yield answer

    def _payload(self, body: bytes | None) -> str:
        if not body:
            return EMPTY
        return hashlib.sha256(body).hexdigest() if self.plain else UNSIGNED

    def _prepared(
        self, method: str, where: Object, query: Mapping[str, str], headers: Headers, payload: str
    ) -> tuple[str, Headers]:
        host, path = self.where.request(where)
        told = (
            "&".join(
                [f"{name}={quote(value, safe='~', errors='surrogateescape')}" for name, value in sorted(query.items())]
            )
            if query
            else ""
        )
        url = f"{self.where.scheme}://{host}{path}{'?' + told if told else ''}"
        if self._signer is None:
            return url, headers
        return url, self._signer.signed(method, host, path, told, headers, payload, now=time.time())
