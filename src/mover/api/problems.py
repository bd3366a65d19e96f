"""Errors as RFC 9457 problems: what, where, and what to do next."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mover.core.errors import MoverError, NotProved

TYPE: Final = "application/problem+json"
BEARER: Final = 'Bearer realm="mover"'
_LOG: Final = logging.getLogger("mover.api")


def problem(status: int, code: str, detail: str, *, advice: str | None = None, **more: Any) -> JSONResponse:
    """A problem document. `code` is stable; docs/reference/errors.md explains each."""
    body = {
        "type": f"urn:mover:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "advice": advice,
        **more,
    }
    return JSONResponse({key: value for key, value in body.items() if value is not None}, status, media_type=TYPE)


def answer_problems(app: FastAPI) -> None:
    """Have every error leave the app as a problem."""
    app.add_exception_handler(MoverError, _of_mover)
    app.add_exception_handler(RequestValidationError, _of_input)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_a_fault)


def of_ours(error: MoverError, challenge: str = BEARER) -> JSONResponse:
    """An error of ours as a problem. `challenge` is how one proves who one is (RFC 9110 §11.6.1)."""
    item = None if error.item is None else error.item
    answer = problem(error.http_status, error.code, error.detail, advice=error.advice, item=item)
    if error.after is not None:
        answer.headers["retry-after"] = str(max(1, math.ceil(error.after)))
    if isinstance(error, NotProved):
        answer.headers["www-authenticate"] = challenge
    return answer


async def _of_mover(request: Request, error: Exception) -> JSONResponse:
    return of_ours(cast("MoverError", error), getattr(request.app.state, "challenge", BEARER))


async def _of_input(_request: Request, error: Exception) -> JSONResponse:
    """What was wrong, and where; never the value itself, which may be a secret."""
    found = cast("RequestValidationError", error).errors()
    wrong = [{"at": "/".join(str(part) for part in one["loc"]), "detail": one["msg"]} for one in found[:20]]
    return problem(422, "bad-input", "the request is not as it must be", advice="See `wrong`.", wrong=wrong)


async def _of_http(_request: Request, error: Exception) -> JSONResponse:
    error = cast("HTTPException", error)
    return problem(error.status_code, "http", str(error.detail))


async def _of_a_fault(_request: Request, error: Exception) -> JSONResponse:
    _LOG.error("a request failed by a fault of ours", exc_info=error)
    return problem(500, "internal", "a fault in Mover", advice=MoverError.advice)
