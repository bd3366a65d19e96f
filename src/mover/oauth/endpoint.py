"""One request to an endpoint of a provider, and its answer taken apart with suspicion."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from mover.core.clock import Clock
from mover.core.errors import Unreachable
from mover.net.http import Answer, Http
from mover.oauth.client import Client, proved
from mover.oauth.failures import Asked, refusal
from mover.oauth.provider import Provider
from mover.oauth.strict_json import object_in

LONGEST_ANSWER: Final = 64 << 10
"""Bytes; real answers have a few thousand."""

SECONDS: Final = 30.0
"""That a whole request may take, its answer included."""

_FINE: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """The way to a provider: a pool of connections, and the time. The pool follows no redirect and sends nothing twice."""

    http: Http
    clock: Clock


async def post(line: Line, provider: Provider, url: str, fields: Mapping[str, str], client: Client | None) -> Answer:
    """Send a form, with the client's proof; whatever was answered. Raises as `sent`."""
    more, headers = ({}, {}) if client is None else proved(client, provider, line.clock.now())
    form = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return await sent(line, provider, url, urlencode({**fields, **more}).encode(), {**form, **headers})


async def sent(line: Line, provider: Provider, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body; whatever was answered.

    Raises:
        Unreachable: no answer, none in `SECONDS`, or one longer than `LONGEST_ANSWER`.
        Untrusted: the server's certificate does not hold.
        NotEncrypted: the address is plain.
    """
    return await _in_time(line.http.send("POST", url, headers, body, longest=LONGEST_ANSWER), provider.title)


async def asked(
    line: Line, provider: Provider, fields: Mapping[str, str], client: Client | None, what: Asked
) -> Mapping[str, Any]:
    """Ask the token endpoint for tokens; its answer, an object without an error.

    Raises:
        BadCredentials, BadOption, Throttled, Unreachable: see `failures.refusal`.
        Untrusted, NotEncrypted: as `sent`.
    """
    answer = await post(line, provider, provider.token_url, {**provider.token_extra, **fields}, client)
    found = json_object(answer)
    if answer.status != _FINE or found is None or "error" in found:
        raise refusal(answer, found, provider, what, now=line.clock.now().timestamp())
    return found


async def fetched(line: Line, url: str, title: str) -> Answer:
    """Get a public document. Raises as `sent`."""
    return await _in_time(line.http.send("GET", url, {"accept": "application/json"}, longest=LONGEST_ANSWER), title)


def json_object(answer: Answer) -> Mapping[str, Any] | None:
    """The JSON object of an answer, `None` if it is not one."""
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    return object_in(answer.body) if kind == "application/json" else None


async def _in_time(sending: Awaitable[Answer], title: str) -> Answer:
    try:
        async with asyncio.timeout(SECONDS):
            return await sending
    except TimeoutError:
        raise Unreachable(f"{title} did not answer in {SECONDS:.0f} s") from None
