"""An app whose handlers learn that the server stops, and whose cancelled requests end in a way that clients understand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uvicorn._types import (
        ASGI3Application,
        ASGIReceiveCallable,
        ASGIReceiveEvent,
        ASGISendCallable,
        ASGISendEvent,
        Scope,
    )

_EVENTS: Final = b"text/event-stream"
_AGAIN_SECONDS: Final = b"5"


class Stoppable:
    """An app around `app` (ASGI 3): `scope["state"]["stopping"]` is the event that the server stops.

    At the stop a stream of server-sent events is told that its client has gone (`http.disconnect`), and ends well-formed; browsers
    connect again by themselves. A request that is cancelled before its answer began gets 503 with `Retry-After` (RFC 9110 §10.2.3);
    any other answer is cut, never ended as if it were whole.
    """

    def __init__(self, app: ASGI3Application, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["stopping"] = self._stopping
        request = _Request(self._stopping, receive, send)
        try:
            await self._app(scope, request.receive, request.send)
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            await request.refuse()
        if self._stopping.is_set():
            await request.finish()


class _Request:
    def __init__(self, stopping: asyncio.Event, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._stopping = stopping
        self._receive = receive
        self._send = send
        self._asked = False
        self._begun = False
        self._events = False
        self._whole = False

    async def receive(self) -> ASGIReceiveEvent:
        if not self._asked:
            message = await self._receive()
            self._asked = message["type"] != "http.request" or not message["more_body"]
            return message
        gone = asyncio.ensure_future(self._receive())
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((gone, stop), return_when=asyncio.FIRST_COMPLETED)
            if self._events and not gone.done():
                return {"type": "http.disconnect"}
            return await gone
        finally:
            gone.cancel()
            stop.cancel()

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self._events = any(
                name.lower() == b"content-type" and value.startswith(_EVENTS)
                for name, value in message.get("headers", ())
            )
        elif message["type"] == "http.response.body":
            self._whole = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self) -> None:
        """Answer that the server is going, if there is no answer yet."""
        if not self._begun:
            headers = [(b"retry-after", _AGAIN_SECONDS), (b"content-length", b"0"), (b"connection", b"close")]
            await self.send({"type": "http.response.start", "status": 503, "headers": headers})
            await self.finish(anyhow=True)

    async def finish(self, *, anyhow: bool = False) -> None:
        """End a stream of events."""
        if (self._events or anyhow) and not self._whole:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
