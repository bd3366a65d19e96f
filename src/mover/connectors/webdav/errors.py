"""What a WebDAV server's refusals mean."""

from __future__ import annotations

import html
import re
import time
from types import MappingProxyType
from typing import Final

from mover.connectors._kit.statuses import Meanings, meaning
from mover.core.errors import (
    MoverError,
    Refused,
    Throttled,
)
from mover.net.retry_after import retry_after

MEANINGS: Final[Meanings] = MappingProxyType({508: Refused, 509: Throttled})
"""RFC 5842 §7.2; 509 is what hosts say whose traffic is used up."""

_SABRE: Final = re.compile(r"<s:message>(.*?)</s:message>", re.DOTALL)
_ODD: Final = re.compile(r"[\x00-\x1f\x7f]+")
_SHOWN: Final = 200


def error_of(status: int, body: bytes, asked_to_wait: str | None, *, doing: str, item: str | None = None) -> MoverError:
    """The error that an answer stands for. `doing` completes "the server said 403 to ..."; `asked_to_wait` is Retry-After."""
    said = reason_in(body)
    detail = f"the server answered {status} to {doing}" + (f": {said}" if said else "")
    after = retry_after(asked_to_wait, now=time.time())
    kind = meaning(status, MEANINGS)
    return kind(detail, item=item, after=after)


def reason_in(body: bytes) -> str:
    """The server's own words in an error's body: those of sabre/dav. Other servers' pages say no more than their status."""
    found = _SABRE.search(body[:65536].decode("utf-8", "replace"))
    return _ODD.sub(" ", html.unescape(found.group(1))).strip()[:_SHOWN] if found else ""
