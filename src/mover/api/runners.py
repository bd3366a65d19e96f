"""The runners' API: enrol, lease, journal. MessagePack, every request signed."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response

from mover.api.problems import answer_problems
from mover.core.errors import BadOption
from mover.service.leases import KnownRunner, Leases
from mover.service.runners import Enrolments
from mover.wire.messages import MOST, TYPE, EnrolRequest, JournalRequest, LeaseRequest

ENROL: Final = "/enrol"
LEASE: Final = "/lease"
JOURNAL: Final = "/journal"

T = TypeVar("T")


def runner_app(enrolments: Enrolments, leases: Leases) -> FastAPI:
    """The app, to be mounted where runners look for it."""
    app = FastAPI(title="Mover for runners", openapi_url=None, docs_url=None, redoc_url=None)
    answer_problems(app)

    async def known(verb: Literal["lease", "journal"], request: Request, body: bytes) -> KnownRunner:
        return await enrolments.prove(verb, request.method, request.url.path, request.headers, body)

    @app.post(ENROL)
    async def enrol(request: Request) -> Response:
        return _answer(await enrolments.enrol(_read(await _body(request, 64 << 10), EnrolRequest)))

    @app.post(LEASE)
    async def lease(request: Request) -> Response:
        body = await _body(request, 64 << 10)
        runner = await known("lease", request, body)
        return _answer(await leases.give(runner, _read(body, LeaseRequest)))

    @app.post(JOURNAL)
    async def journal(request: Request) -> Response:
        body = await _body(request, MOST)
        runner = await known("journal", request, body)
        return _answer(await leases.take(runner, _read(body, JournalRequest)))

    del enrol, lease, journal  # the app has them
    return app


async def _body(request: Request, most: int) -> bytes:
    """The body, if it is not longer than that."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise BadOption(f"a request has at most {most} bytes")
    return bytes(found)


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadOption("the request is no message of this protocol") from problem


def _answer(message: Any) -> Response:
    return Response(msgspec.msgpack.encode(message), media_type=TYPE)
