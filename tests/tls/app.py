"""The app of the test's server, and how it is served: uvloop, signals, a watched certificate."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mover.boot.certificates import LocalAuthority, from_files
from mover.boot.serving import Limits, serve
from mover.net.server_tls import Certificates


async def root(_request: Request) -> Response:
    return PlainTextResponse("here")


async def events(_request: Request) -> Response:
    async def endless() -> AsyncGenerator[str]:
        while True:
            yield "data: x\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(endless(), media_type="text/event-stream")


async def download(_request: Request) -> Response:
    async def endless() -> AsyncGenerator[bytes]:
        while True:
            yield bytes(65536)
            await asyncio.sleep(0.001)

    return StreamingResponse(endless(), media_type="application/octet-stream")


async def stubborn(_request: Request) -> Response:
    await asyncio.sleep(60)
    return PlainTextResponse("never")


async def polite(request: Request) -> Response:
    await request.state.stopping.wait()
    return PlainTextResponse("the server stops")


async def slow(_request: Request) -> Response:
    await asyncio.sleep(1.5)
    return PlainTextResponse("done")


async def body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def who(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.scheme} {request.client.host if request.client else ''}")


APP = Starlette(
    routes=[
        Route("/", root),
        *(Route(f"/{handler.__name__}", handler) for handler in (events, download, stubborn, polite, slow, who)),
        Route("/body", body, methods=["POST"]),
    ]
)


def certificates(wanted: dict[str, Any]) -> Certificates:
    strict = wanted.get("strict", True)
    if "chain" in wanted:
        return from_files(Path(wanted["chain"]), Path(wanted["key"]), strict=strict)
    authority = LocalAuthority(Path(wanted["folder"]), wanted["names"], wanted.get("kind", "P-256"))
    return authority.certificates(strict=strict)


async def main(wanted: dict[str, Any]) -> None:
    shown = certificates(wanted)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    watching = asyncio.create_task(shown.watch(0.1))
    await serve(
        APP,
        port=wanted.get("port", 0),
        certificates=shown,
        stopping=stopping,
        listening=lambda port: print(port, flush=True),  # noqa: T201  # whoever started us reads it
        limits=Limits(**wanted.get("limits", {})),
        trusted_proxies=wanted.get("trusted_proxies", ()),
    )
    watching.cancel()
    if "linger" in wanted:
        logging.getLogger("test").info("lingers")
        await asyncio.sleep(wanted["linger"])
