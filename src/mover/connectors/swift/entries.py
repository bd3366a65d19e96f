"""Entries out of headers and listings, and headers out of attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol
from urllib.parse import quote, unquote

from mover.connectors.swift.address import is_path, split
from mover.core.errors import Unfit
from mover.core.model import Attributes, Digest, Entry, ItemId, Kind

MTIME: Final = "mtime"
"""The metadata that holds the time of modification: seconds since 1970 UTC with a fraction, as rclone writes it."""

META: Final = "x-object-meta-"
LARGE: Final = "-s"
"""What is put after the tag of an object of segments: it is the MD5 of the segments' tags, and no digest of the content."""

FOLDER_TYPE: Final = "application/directory"
"""The content type of objects of no bytes that stand for folders."""

MOST_META: Final = 90
_META_NAME, _META_VALUE, _META_ALL = 128, 256, 4096
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ESCAPED: Final = "utf-8''"


class Answered(Protocol):
    """What both kinds of HTTP answers have."""

    def header(self, name: str) -> str | None: ...


def is_large(answer: Answered) -> bool:
    """Whether the object is made of segments (SLO or DLO)."""
    static = (answer.header("x-static-large-object") or "").lower() == "true"
    return static or answer.header("x-object-manifest") is not None


def tag_in(answer: Answered) -> str | None:
    """The object's tag, marked if it is made of segments."""
    tag = (answer.header("etag") or "").strip('"')
    return (tag + LARGE if is_large(answer) else tag) if tag else None


def digests_of(tag: str | None) -> tuple[Digest, ...]:
    """What a tag tells of the content."""
    return (Digest("md5", bytes.fromhex(tag)),) if tag is not None and _MD5.fullmatch(tag) else ()


def file(item: ItemId, answer: Answered, headers: Mapping[str, str], size: int | None) -> Entry:
    """A file as the headers of GET or HEAD describe it."""
    above, name = split(item)
    meta = {k[len(META) :].lower(): _decoded(v) for k, v in headers.items() if k[: len(META)].lower() == META}
    modified = time_of(meta.get(MTIME))
    if modified is not None:
        del meta[MTIME]
    tag = tag_in(answer)
    return Entry(
        item,
        above,
        name,
        Kind.FILE,
        size,
        modified,
        digests_of(tag),
        version=tag,
        stored=http_date(answer.header("last-modified")),
        content_type=answer.header("content-type"),
        metadata=meta,
    )


def listed(item: ItemId, size: int, stored: datetime, tag: str | None) -> Entry:
    """An object as a listing shows it; what is no file that a path could name is `Kind.OTHER`."""
    above, name = split(item)
    if item.endswith("/"):
        return Entry(item, ItemId(item), "/", Kind.OTHER, size, version=tag, stored=stored)
    kind = Kind.FILE if is_path(item) else Kind.OTHER
    return Entry(item, above, name, kind, size, None, digests_of(tag), version=tag, stored=stored)


def folder(item: ItemId) -> Entry:
    """A folder; one that no path could name is `Kind.OTHER` and stands for all below it."""
    above, name = split(item)
    return Entry(item, above, name or "/", Kind.FOLDER if is_path(item) else Kind.OTHER)


def attribute_headers(attributes: Attributes, item: str) -> dict[str, str]:
    """The headers that keep attributes beside an object.

    Raises:
        Unfit: there is too much metadata, or a name or type cannot stand in a header.
    """
    headers: dict[str, str] = {}
    if attributes.content_type is not None:
        if not attributes.content_type.isascii() or not attributes.content_type.isprintable():
            raise Unfit(f"the store cannot keep the content type {attributes.content_type!r}", item=item)
        headers["content-type"] = attributes.content_type
    for name, value in attributes.metadata.items():
        shown = _encoded(value)
        if not _NAME.fullmatch(name.lower()) or len(name) > _META_NAME:
            raise Unfit(f"the store cannot keep metadata of the name {name!r}", item=item)
        if len(shown) > _META_VALUE:
            raise Unfit(f"the metadata {name} is longer than {_META_VALUE} bytes", item=item)
        headers[META + name.lower()] = shown
    if attributes.modified is not None:
        headers[META + MTIME] = seconds(attributes.modified)
    meta = [name for name in headers if name.startswith(META)]
    if len(meta) > MOST_META or sum(len(n) - len(META) + len(headers[n]) for n in meta) > _META_ALL:
        raise Unfit(f"there is more metadata than {MOST_META} names and {_META_ALL} bytes", item=item)
    return headers


def time_of(mtime: str | None) -> datetime | None:
    """Seconds since 1970 UTC as a time, exact to the microsecond; `None` if this is no such number."""
    if mtime is None:
        return None
    try:
        whole, _, fraction = mtime.partition(".")
        micros = int((fraction + "000000")[:6])
        return _EPOCH + timedelta(seconds=int(whole), microseconds=-micros if whole.startswith("-") else micros)
    except (ValueError, OverflowError):
        return None


def seconds(moment: datetime) -> str:
    """A time as rclone writes it, to the microsecond."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06}".rstrip("0").rstrip(".")


def http_date(value: str | None) -> datetime | None:
    """An HTTP date; `None` if it is none."""
    try:
        return None if value is None else parsedate_to_datetime(value).astimezone(UTC)
    except ValueError:
        return None


def _encoded(value: str) -> str:
    """A value as it is where it is plain, else percent-encoded and marked (RFC 8187): headers hold ASCII only."""
    plain = value.isascii() and value.isprintable() and value == value.strip() and value != ""
    if plain and not value.startswith(_ESCAPED):
        return value
    return _ESCAPED + quote(value, safe="", errors="surrogateescape")


def _decoded(value: str) -> str:
    return unquote(value[len(_ESCAPED) :], errors="surrogateescape") if value.startswith(_ESCAPED) else value
