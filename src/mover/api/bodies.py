"""Bodies of requests: not too long, JSON, and JSON that every reader understands alike.

Names that stand twice in an object are read differently by different programs (RFC 8259 §4), and NaN is no JSON (§6): both are refused.
"""

from __future__ import annotations

import json
import math
from typing import Final, NoReturn, cast

from fastapi import Request

from mover.core.errors import BadOption
from mover.core.errors.access import NotJson, TooLong

MOST: Final = 8 << 20
"""Bytes of a body from somebody who is known."""

MOST_OF_A_STRANGER: Final = 64 << 10

_JSON: Final = ("application/json", "application/json;charset=utf-8")


async def read(request: Request, most: int) -> bytes:
    """The body. Raises `TooLong`, as soon as that is known."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and len(told) < 20 and int(told) > most:  # noqa: PLR2004  # digits of 2^64
        raise TooLong(f"a body has at most {most} bytes here")
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise TooLong(f"a body has at most {most} bytes here")
    return bytes(found)


def check(request: Request, body: bytes) -> None:
    """Whether a body is JSON that has one meaning. None at all is well.

    Raises:
        NotJson: it is said to be something else.
        BadOption: it is none.
    """
    if not body:
        return
    if request.headers.get("content-type", "").replace(" ", "").lower() not in _JSON:
        raise NotJson("the body is not JSON")
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
        if b"\\u0000" in body:
            _must_be_free_of_zeros(found)
    except (ValueError, RecursionError) as problem:
        words = str(problem) if isinstance(problem, _Ambiguous) else "the body cannot be read as JSON"
        raise BadOption(words, advice="Send one JSON value (RFC 8259).") from None


class _Ambiguous(ValueError):
    """JSON that some would read otherwise, or that no text of ours can be."""


def _must_be_free_of_zeros(found: object) -> None:
    """Neither a database's text nor a file's name can have the character U+0000."""
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and "\0" in one:
            raise _Ambiguous("a text has a zero character (U+0000)")
        if isinstance(one, dict):
            inside = cast("dict[str, object]", one)
            waiting += [*inside.keys(), *inside.values()]
        elif isinstance(one, list):
            waiting += cast("list[object]", one)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Ambiguous("a name stands twice in the same object")
    return found


def _no_number(_said: str) -> NoReturn:
    raise _Ambiguous("NaN and Infinity are no JSON")


def _finite(said: str) -> float:
    number = float(said)
    if not math.isfinite(number):
        raise _Ambiguous("a number is too large")
    return number
