"""What Swift's refusals mean.

Source: https://docs.openstack.org/api-ref/object-store/. 498 is Swift's own: too many requests at once.
"""

from __future__ import annotations

import re
import time
from types import MappingProxyType
from typing import Final

from mover.core.errors import (
    BadCredentials,
    Changed,
    Conflict,
    Damaged,
    Denied,
    Full,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
)
from mover.net.http import Answer
from mover.net.retry_after import retry_after

STATUSES: Final = MappingProxyType[int, type[MoverError]](
    {
        400: Refused,
        401: BadCredentials,
        403: Denied,
        404: NotFound,
        408: Unreachable,
        409: Conflict,
        411: Refused,
        412: Changed,
        413: Unfit,
        416: Changed,
        422: Damaged,
        429: Throttled,
        498: Throttled,
        499: Damaged,
        500: Unreachable,
        502: Unreachable,
        503: Throttled,
        504: Unreachable,
        507: Full,
    }
)
TOO_LARGE: Final = 413

_TAG: Final = re.compile(r"<[^>]*>")
_ODD: Final = re.compile(r"[\x00-\x1f\x7f]+")
_SHOWN: Final = 200


def failure(answer: Answer, item: str | None) -> MoverError:
    """The error that an answer stands for; its text is the store's own."""
    said = words(answer.body)
    kind = STATUSES.get(answer.status) or (Unreachable if answer.status >= 500 else Refused)  # noqa: PLR2004  # RFC 9110: a fault of the server
    if answer.status == TOO_LARGE and "quota" in said.lower():
        kind = Full
    detail = f"the store answered {answer.status}" + (f": {said}" if said else "")
    return kind(detail, item=item, after=retry_after(answer.header("retry-after"), now=time.time()))


def words(body: bytes) -> str:
    """The words in a page or a text, at most 200 characters."""
    text = _TAG.sub(" ", body[:4096].decode("utf-8", "replace"))
    return " ".join(_ODD.sub(" ", text).split())[:_SHOWN]
