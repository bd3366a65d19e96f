"""The one app of a server: the public API, the runners' API, and whether it is well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mover.api.app import app_app
from mover.api.public import public_app
from mover.api.runners import runner_app
from mover.boot.control import Control
from mover.core.errors import MoverError
from mover.runner.http_plane import PATH
from mover.store.database import Database

PUBLIC: Final = "/api/v1"
APP: Final = "/app/v1"
HEADERS: Final = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def app_of(control: Control, names: Collection[str] = ("localhost", "127.0.0.1")) -> Starlette:
    """What is served on the one port. `names` are those by which people reach it."""
    app = Starlette(
        routes=[
            Route("/health", _health),
            Route("/ready", _ready(control.desk.database)),
            Mount(PUBLIC, public_app(control.desk, version("openmover"))),
            Mount(APP, app_app(control.desk, version("openmover"), names)),
            Mount(PATH, runner_app(control.enrolments, control.leases)),
        ]
    )
    app.add_middleware(_Headers)
    return app


class _Headers:
    """Says with every answer what a browser may do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await self._app(scope, receive, told if scope["type"] == "http" else send)


async def _health(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


def _ready(database: Database) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_request: Request) -> Response:
        """The database answers too."""
        try:
            async with database.read():
                return JSONResponse({"status": "ok"})
        except MoverError as problem:
            return JSONResponse({"status": "not ready", "code": problem.code}, 503)

    return ready
