"""What Swift's refusals mean.

Source: https://docs.openstack.org/api-ref/object-store/. 498 is Swift's own: too many requests at once.
"""

from __future__ import annotations

import re
import time
from types import MappingProxyType
from typing import Final

from mover.connectors._kit.statuses import Meanings, meaning
from mover.core.errors import (
    Damaged,
    Full,
    MoverError,
    Throttled,
)
from mover.net.http import Answer
from mover.net.retry_after import retry_after

STATUSES: Final[Meanings] = MappingProxyType({422: Damaged, 498: Throttled, 499: Damaged})
TOO_LARGE: Final = 413

_TAG: Final = re.compile(r"<[^>]*>")
_ODD: Final = re.compile(r"[\x00-\x1f\x7f]+")
_SHOWN: Final = 200


def failure(answer: Answer, item: str | None) -> MoverError:
    """The error that an answer stands for; its text is the store's own."""
    said = words(answer.body)
    kind = meaning(answer.status, STATUSES)
    if answer.status == TOO_LARGE and "quota" in said.lower():
        kind = Full
    detail = f"the store answered {answer.status}" + (f": {said}" if said else "")
    return kind(detail, item=item, after=retry_after(answer.header("retry-after"), now=time.time()))


def words(body: bytes) -> str:
    """The words in a page or a text, at most 200 characters."""
    text = _TAG.sub(" ", body[:4096].decode("utf-8", "replace"))
    return " ".join(_ODD.sub(" ", text).split())[:_SHOWN]
