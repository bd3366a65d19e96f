"""Requests to one WebDAV server: signed in, with errors told apart, and listings parsed as they come."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from mover.connectors._kit.bodies import measured
from mover.connectors._kit.paths import ROOT
from mover.connectors.webdav.address import Address
from mover.connectors.webdav.errors import error_of
from mover.connectors.webdav.multistatus import MultiStatus, Resource
from mover.connectors.webdav.signin import SignIn
from mover.core.errors import MoverError, NotFound, Refused, Unreachable
from mover.core.model import Body
from mover.net.http import NO_HEADERS, Answer, Headers, Http, StreamedAnswer

OK: Final = 200
PARTIAL: Final = 206
MULTI_STATUS: Final = 207
BAD: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
NOT_ALLOWED: Final = 405
CONFLICT: Final = 409
GONE: Final = 410
PRECONDITION_FAILED: Final = 412
MOVED: Final = frozenset({301, 302, 307, 308})
READ: Final = frozenset({200, 206})
FINE: Final = frozenset({200, 201, 202, 204})

_A = TypeVar("_A", Answer, StreamedAnswer)

_FRESH: Final = 60.0
"""Seconds for which a nonce that was good is taken to be good still. Apache's own limit is 300."""


@dataclass(slots=True)
class Session:
    """One server, one user. Nothing here is tried again but what a sign-in challenge asks for."""

    http: Http
    address: Address
    sign_in: SignIn
    _good_at: float = field(default=float("-inf"))

    async def send(self, method: str, url: str, headers: Headers = NO_HEADERS, body: bytes | None = None) -> Answer:
        """One request and its whole answer, whatever its status."""
        signed, sent = self._signed(method, url, headers)
        answer = await self.http.send(method, url, signed, body)
        if answer.status == UNAUTHORIZED and self.sign_in.learn(answer.headers.getall("www-authenticate"), sent):
            signed, sent = self._signed(method, url, headers)
            answer = await self.http.send(method, url, signed, body)
        return self._noted(answer)

    async def ask(
        self,
        method: str,
        url: str,
        headers: Headers = NO_HEADERS,
        body: bytes | None = None,
        *,
        doing: str,
        item: str | None = None,
    ) -> Answer:
        """One request that must end well; every other status is raised as its error."""
        answer = await self.send(method, url, headers, body)
        if answer.status not in FINE:
            raise self.failure(answer, doing=doing, item=item)
        return answer

    async def put(self, url: str, headers: Headers, body: Body, name: str) -> Answer:
        """Send a body; the answer, whatever its status. A stream is sent once only, so a nonce that may be old is renewed before.

        Raises:
            Damaged: the body is not as long as it says.
        """
        if body.whole is not None:
            data = b"".join([chunk async for chunk in measured(body, name)])
            return await self.send("PUT", url, headers, data)
        if self.sign_in.renews and time.monotonic() - self._good_at > _FRESH:
            await self.send("OPTIONS", self.address.of(ROOT.id, folder=True))
        signed, sent = self._signed("PUT", url, headers)
        answer = await self.http.upload("PUT", url, signed, body.chunks(), body.size)
        if answer.status == UNAUTHORIZED and self.sign_in.learn(answer.headers.getall("www-authenticate"), sent):
            raise Unreachable("the server wants another sign-in for the same upload; send it again", item=name)
        return self._noted(answer)

    @asynccontextmanager
    async def get(self, url: str, headers: Headers) -> AsyncGenerator[StreamedAnswer]:
        """One GET whose answer is read piece by piece, whatever its status."""
        async with self._streamed("GET", url, headers, None) as answer:
            yield answer

    async def find(self, url: str, depth: int, body: bytes, *, item: str, limit: int | None = None) -> list[Resource]:
        """PROPFIND: the resources that the server tells of, at most `limit`. Depth infinity is never asked.

        A redirection to the same address with a slash is followed. Raises `NotFound`.
        """
        headers = {"depth": str(depth), "content-type": 'application/xml; charset="utf-8"'}
        async with self._streamed("PROPFIND", url, headers, body) as answer:
            if answer.status == MULTI_STATUS:
                return [r async for r in _resources(answer, limit)]
            if answer.status in MOVED and not url.endswith("/") and _same_with_slash(url, answer.header("location")):
                return await self.find(f"{url}/", depth, body, item=item, limit=limit)
            if answer.status == BAD:  # what Apache says of anything below a file
                raise NotFound("there is no such item", item=item)
            raise await self.failure_of(answer, doing="list it", item=item)

    def failure(self, answer: Answer, *, doing: str, item: str | None = None) -> MoverError:
        """The error that an answer stands for."""
        if answer.status in MOVED:
            return _redirected(answer.header("location"), item)
        return error_of(answer.status, answer.body, answer.header("retry-after"), doing=doing, item=item)

    async def failure_of(self, answer: StreamedAnswer, *, doing: str, item: str | None = None) -> MoverError:
        """The error that an answer stands for, whose body is still to come."""
        if answer.status in MOVED:
            return _redirected(answer.header("location"), item)
        body = await answer.rest(65536)
        return error_of(answer.status, body, answer.header("retry-after"), doing=doing, item=item)

    @asynccontextmanager
    async def _streamed(
        self, method: str, url: str, headers: Headers, body: bytes | None
    ) -> AsyncGenerator[StreamedAnswer]:
        signed, sent = self._signed(method, url, headers)
        async with self.http.stream(method, url, signed, body) as answer:
            if answer.status != UNAUTHORIZED or not self.sign_in.learn(answer.headers.getall("www-authenticate"), sent):
                yield self._noted(answer)
                return
            await answer.rest(65536)
        signed, sent = self._signed(method, url, headers)
        async with self.http.stream(method, url, signed, body) as answer:
            yield self._noted(answer)

    def _signed(self, method: str, url: str, headers: Headers) -> tuple[Mapping[str, str], str | None]:
        proof = self.sign_in.header(method, url[len(self.address.origin) :])
        return (headers if proof is None else {**headers, "authorization": proof}), proof

    def _noted(self, answer: _A) -> _A:
        if answer.status != UNAUTHORIZED:
            self._good_at = time.monotonic()
        return answer


async def _resources(answer: StreamedAnswer, limit: int | None) -> AsyncIterator[Resource]:
    parser, count = MultiStatus(), 0
    while data := await answer.read():
        for resource in parser.feed(data):
            yield resource
            count += 1
            if count == limit:
                return
    for resource in parser.close():
        yield resource


def _same_with_slash(url: str, location: str | None) -> bool:
    if location is None:
        return False
    return location == f"{url}/" or (f"{url}/".endswith(location) and location.startswith("/"))


def _redirected(location: str | None, item: str | None) -> MoverError:
    where = (location or "nowhere").split("?")[0][:200]
    return Refused(f"the server sends elsewhere, to {where}: use that address, if you trust it", item=item)
