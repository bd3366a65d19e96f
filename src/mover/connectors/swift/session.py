"""Requests to one account, with a token that is renewed when its time comes or the store refuses it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from mover.connectors.swift.address import Object, Place
from mover.connectors.swift.errors import failure
from mover.connectors.swift.identity import Ticket
from mover.core.errors import Unreachable
from mover.net.http import Answer, Headers, Http, StreamedAnswer

NONE: Final[Mapping[str, str]] = {}
ACCOUNT: Final = Object("", "")
_UNAUTHORIZED: Final = 401


class Session:
    """One account. A request that is refused for its token is sent once more with a fresh one; nothing else is tried again."""

    def __init__(self, http: Http, place: Place, ticket: Ticket, renew: Callable[[], Awaitable[Ticket]]) -> None:
        self._http = http
        self._ticket = ticket
        self._renew = renew
        self._renewing = asyncio.Lock()
        self.place = place

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
        ticket = await self._valid()
        answer = await self._http.send(method, _url(ticket, where, query), _with(ticket, headers), body)
        if answer.status == _UNAUTHORIZED:
            ticket = await self._fresh(ticket)
            answer = await self._http.send(method, _url(ticket, where, query), _with(ticket, headers), body)
        if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
            raise failure(answer, item or where.name or where.container)
        return answer

    async def put_stream(
        self, where: Object, headers: Headers, chunks: AsyncIterator[bytes], size: int | None
    ) -> Answer:
        """A PUT of `size` bytes that come in pieces, and only once.

        Raises:
            Unreachable: the token was refused after the bytes were sent; it is renewed by now, so the same may be sent again.
        """
        ticket = await self._valid()
        answer = await self._http.upload("PUT", _url(ticket, where, NONE), _with(ticket, headers), chunks, size)
        if answer.status == _UNAUTHORIZED:
            await self._fresh(ticket)
            raise Unreachable("the token ended during an upload; send it again", item=where.name)
        if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
            raise failure(answer, where.name)
        return answer

    @asynccontextmanager
    async def get_stream(self, where: Object, headers: Headers) -> AsyncGenerator[StreamedAnswer]:
        """A GET whose body comes in pieces."""
        ticket = await self._valid()
        async with self._http.stream("GET", _url(ticket, where, NONE), _with(ticket, headers)) as answer:
            if answer.status != _UNAUTHORIZED:
                yield await _good(answer, where)
                return
            await answer.rest()
        ticket = await self._fresh(ticket)
        async with self._http.stream("GET", _url(ticket, where, NONE), _with(ticket, headers)) as answer:
            yield await _good(answer, where)

    async def _valid(self) -> Ticket:
        if time.monotonic() < self._ticket.until:
            return self._ticket
        return await self._fresh(self._ticket)

    async def _fresh(self, refused: Ticket) -> Ticket:
        """Another ticket than `refused`; of many that ask at once, one signs in."""
        async with self._renewing:
            if self._ticket is refused:
                self._ticket = await self._renew()
            return self._ticket


async def _good(answer: StreamedAnswer, where: Object) -> StreamedAnswer:
    if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
        raise failure(Answer(answer.status, answer.headers, await answer.rest(4096)), where.name)
    return answer


def _url(ticket: Ticket, where: Object, query: Mapping[str, str]) -> str:
    told = "&".join([f"{name}={quote(value, safe='~', errors='surrogateescape')}" for name, value in query.items()])
    return f"{ticket.storage_url}{where.path}{'?' + told if told else ''}"


def _with(ticket: Ticket, headers: Headers) -> Headers:
    return {**headers, "x-auth-token": ticket.token.reveal()}
