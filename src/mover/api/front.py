"""What every request passes before a handler sees it: who asks, may they ask from there, and is the body one to be read.

Every path needs somebody known, unless it stands in `open_paths`: a route that was forgotten is closed. A stranger's body is not read at
all, or hardly: a request costs little until it is known whose it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mover.api import bodies
from mover.api.problems import BEARER, of_ours
from mover.core.errors import BadOption, MoverError
from mover.service.actor import Actor, Origin

REQUEST_ID: Final = "x-request-id"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How an app is guarded.

    `prove` finds out who asks, or raises; `admit` refuses what may not come from there, whoever asks; `stranger` is called for the paths
    (method, path) that are open to everybody.
    """

    prove: Callable[[Request, Origin], Awaitable[Actor]]
    admit: Callable[[Request], None] = field(default=lambda _request: None)
    stranger: Callable[[Origin], None] = field(default=lambda _origin: None)
    open_paths: frozenset[tuple[str, str]] = frozenset()
    challenge: str = BEARER


class Front:
    """The middleware. Outside of the app's own error handling: it answers by itself."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        number = secrets.token_hex(8)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID.encode(), number.encode())]
            await send(message)

        try:
            body = await self._passed(request, origin_of(request, number))
        except MoverError as error:
            await of_ours(error, self._rules.challenge)(scope, receive, told)
            return
        await self._app(scope, receive if body is None else _again(body, receive), told)

    async def _passed(self, request: Request, origin: Origin) -> bytes | None:
        """The body, if the request may have one. Raises what is in its way."""
        self._rules.admit(request)
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise BadOption("an address has no zero character (U+0000)")
        request.state.origin = origin
        most = bodies.MOST
        if (request.method, _path(request.scope)) in self._rules.open_paths:
            self._rules.stranger(origin)
            most = bodies.MOST_OF_A_STRANGER
        else:
            request.state.actor = await self._rules.prove(request, origin)
        if request.method in _READS:
            return None
        body = await bodies.read(request, most)
        bodies.check(request, body)
        return body


def origin_of(request: Request, number: str) -> Origin:
    """Where a request came from: the address that connected, or, behind a trusted proxy, the one that it names."""
    host = "" if request.client is None else request.client.host
    try:
        ip_address(host)
    except ValueError:
        return Origin(number, None)
    return Origin(number, host)


def _path(scope: Scope) -> str:
    """The path within the app, as its routes have it."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, for who reads it next."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
