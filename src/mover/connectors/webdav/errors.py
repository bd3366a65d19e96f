"""What a WebDAV server's refusals mean."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from typing import Final

from mover.core.errors import (
    BadCredentials,
    Changed,
    Conflict,
    Denied,
    Full,
    Locked,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
)
from mover.net.retry_after import retry_after

MEANINGS: Final[Mapping[int, type[MoverError]]] = {
    401: BadCredentials,
    403: Denied,
    404: NotFound,
    405: Refused,
    408: Unreachable,
    409: Conflict,
    410: NotFound,
    412: Changed,
    413: Unfit,
    414: Unfit,
    415: Refused,
    416: Changed,
    423: Locked,
    425: Unreachable,
    429: Throttled,
    431: Unfit,
    451: Denied,
    501: Refused,
    503: Throttled,
    505: Refused,
    507: Full,
    508: Refused,
    509: Throttled,
}
"""RFC 9110 §15, RFC 4918 §11, RFC 6585. 503 is what busy and paused servers say; the rest of 5xx are faults of the server."""

_SABRE: Final = re.compile(r"<s:message>(.*?)</s:message>", re.DOTALL)
_ODD: Final = re.compile(r"[\x00-\x1f\x7f]+")
_SHOWN: Final = 200
_SERVER_FAULT: Final = 5


def error_of(status: int, body: bytes, asked_to_wait: str | None, *, doing: str, item: str | None = None) -> MoverError:
    """The error that an answer stands for. `doing` completes "the server said 403 to ..."; `asked_to_wait` is Retry-After."""
    said = reason_in(body)
    detail = f"the server answered {status} to {doing}" + (f": {said}" if said else "")
    after = retry_after(asked_to_wait, now=time.time())
    kind = MEANINGS.get(status, Unreachable if status // 100 == _SERVER_FAULT else Refused)
    return kind(detail, item=item, after=after)


def reason_in(body: bytes) -> str:
    """The server's own words in an error's body: those of sabre/dav. Other servers' pages say no more than their status."""
    found = _SABRE.search(body[:65536].decode("utf-8", "replace"))
    return _ODD.sub(" ", html.unescape(found.group(1))).strip()[:_SHOWN] if found else ""
