"""Pages by keyset: `next` is opaque, and names where the next page begins; it costs the same on the first and on the last page."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from mover.core.errors import BadOption

T = TypeVar("T")
DEFAULT: Final = 100

Most = Annotated[int, Query(alias="limit", ge=1, le=1000, description="Rows of a page.")]
After = Annotated[str | None, Query(alias="after", max_length=10_000, description="`next` of the page before.")]


class Page(BaseModel, Generic[T]):
    """Some rows; `next` is null on the last page."""

    rows: list[T]
    next: str | None = None


def mark(place: object) -> str:
    """Where a page ends, as `next` says it."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def place(mark: str | None, kind: type[T], first: T) -> T:
    """What `mark` was given; `first` where there is none. Raises `BadOption`."""
    if mark is None:
        return first
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)), type=kind)
    except (msgspec.DecodeError, binascii.Error, ValueError) as problem:
        raise BadOption(
            "`after` is no mark of a page", item="after", advice="Give `next` of the page before."
        ) from problem
