"""The control plane over HTTPS: every request signed, each count higher than the last."""

from __future__ import annotations

import time
from base64 import b64encode
from typing import Any, Final, TypeVar

import msgspec

from mover.core.errors import BadCredentials, MoverError, Unreachable, Unsupported
from mover.crypto.signatures import SigningKey
from mover.net.http import Http
from mover.wire.messages import (
    TYPE,
    EnrolAnswer,
    EnrolRequest,
    JournalAnswer,
    JournalRequest,
    LeaseAnswer,
    LeaseRequest,
)
from mover.wire.signing import COUNT, RUNNER, SIGNATURE, signed_part

PATH: Final = "/runner/v1"
"""Below the server's address."""

_OVERTAKEN: Final = 409
_SERVER: Final = 500
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})

T = TypeVar("T")


class HttpControlPlane:
    """See the module. `server` is its address (`https://host:port`)."""

    def __init__(self, http: Http, server: str, runner: str, key: SigningKey) -> None:
        self._http = http
        self._server = server.rstrip("/")
        self._runner = runner
        self._key = key
        self._count = 0

    async def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """See `ControlPlane`."""
        return await self._asked("lease", request, LeaseAnswer)

    async def journal(self, request: JournalRequest) -> JournalAnswer:
        """See `ControlPlane`."""
        return await self._asked("journal", request, JournalAnswer)

    async def _asked(self, verb: str, message: Any, kind: type[T]) -> T:
        path, body = f"{PATH}/{verb}", msgspec.msgpack.encode(message)
        self._count = max(self._count + 1, time.time_ns())
        signature = self._key.sign(signed_part("POST", path, self._runner, self._count, body))
        headers = {
            "content-type": TYPE,
            RUNNER: self._runner,
            COUNT: str(self._count),
            SIGNATURE: b64encode(signature).decode(),
        }
        return await _sent(self._http, self._server + path, headers, body, kind)


async def enrol(http: Http, server: str, request: EnrolRequest) -> EnrolAnswer:
    """Join the service at `server` by a one-time token.

    Raises:
        BadCredentials: the token is none, was used, or has run out.
        Unreachable, Untrusted: the server is away, or is not who it should be.
    """
    body = msgspec.msgpack.encode(request)
    return await _sent(http, f"{server.rstrip('/')}{PATH}/enrol", {"content-type": TYPE}, body, EnrolAnswer)


async def _sent(http: Http, url: str, headers: dict[str, str], body: bytes, kind: type[T]) -> T:
    answer = await http.send("POST", url, headers, body)
    if answer.status == _OK:
        try:
            return msgspec.msgpack.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise Unreachable("what answered is no control plane of this version") from problem
    raise _problem(answer.status, answer.body)


def _problem(status: int, body: bytes) -> MoverError:
    """What the server said, in our terms: whatever may pass by itself is tried again."""
    detail, advice = f"the control plane answered {status}", None
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = {}
    if isinstance(told.get("detail"), str):
        detail = f"the control plane: {told['detail']}"
        advice = told["advice"] if isinstance(told.get("advice"), str) else None
    if status in _REFUSED:
        return BadCredentials(detail, advice=advice)
    if status == _OVERTAKEN or status >= _SERVER:
        return Unreachable(detail, advice=advice)
    return Unsupported(detail, advice=advice)
