"""Entries out of headers and listings, and headers out of attributes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from mover.connectors.azureblob.address import split
from mover.core.errors import Unfit
from mover.core.model import Attributes, Digest, Entry, ItemId, Kind
from mover.net.http import Answer, StreamedAnswer

MTIME: Final = "mtime"
"""The metadata that holds the time of modification (RFC 3339), as rclone writes it."""

FOLDER: Final = "hdi_isfolder"
"""The metadata that marks a blob as a folder, as Azure's own tools and rclone write it."""

_META: Final = "x-ms-meta-"
_PLAIN: Final = re.compile(r"[a-z0-9]")
_CODED: Final = re.compile(r"_x([0-9a-f]{2})_")
_WORD: Final = re.compile(r"=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=", re.IGNORECASE)


def md5_of(value: str | None) -> tuple[Digest, ...]:
    """An MD5 in base64 as a digest; none if it is none."""
    try:
        raw = base64.b64decode(value or "", validate=True)
    except binascii.Error:
        return ()
    return (Digest("md5", raw),) if len(raw) == 16 else ()  # noqa: PLR2004  # an MD5 has 16 bytes


def file(
    item: ItemId, answer: Answer | StreamedAnswer, size: int | None, attributes: Attributes | None = None
) -> Entry:
    """A file as the headers of an answer describe it. After a write they lack the `attributes`, which the store took."""
    folder, name = split(item)
    kept = attributes
    if kept is None:
        told = {name: value for name, value in answer.headers.items() if name.lower().startswith(_META)}
        kept = replace(attributes_of(told), content_type=answer.header("content-type"))
    # In the answer to a range, `content-md5` would be that of the range.
    digest = answer.header("x-ms-blob-content-md5") or (
        None if answer.header("content-range") else answer.header("content-md5")
    )
    return Entry(
        item,
        folder,
        name,
        Kind.FILE,
        size,
        kept.modified,
        md5_of(digest),
        version=(answer.header("etag") or "").strip('"') or None,
        stored=http_date(answer.header("last-modified")),
        content_type=kept.content_type,
        metadata=kept.metadata,
    )


def folder(item: ItemId) -> Entry:
    """A folder; one that no path could name is `Kind.OTHER` and stands for all below it."""
    above, name = split(item)
    return Entry(item, above, name or "/", Kind.FOLDER if name not in ("", ".", "..") else Kind.OTHER)


def attribute_headers(attributes: Attributes, item: str) -> dict[str, str]:
    """The headers that keep attributes beside a blob. Raises `Unfit` if a header cannot hold the content type."""
    headers: dict[str, str] = {}
    if attributes.content_type is not None:
        if not attributes.content_type.isascii() or not attributes.content_type.isprintable():
            raise Unfit(f"Azure cannot keep the content type {attributes.content_type!r}", item=item)
        headers["x-ms-blob-content-type"] = attributes.content_type
    for name, value in attributes.metadata.items():
        headers[_META + coded(name.lower())] = _worded(value)
    if attributes.modified is not None:
        headers[_META + MTIME] = rfc3339(attributes.modified)
    return headers


def attributes_of(headers: Mapping[str, str]) -> Attributes:
    """What `attribute_headers` was given."""
    metadata = decoded({k[len(_META) :]: v for k, v in headers.items() if k.lower().startswith(_META)})
    modified = time_of(metadata.pop(MTIME, None))
    return Attributes(modified, headers.get("x-ms-blob-content-type"), metadata)


def coded(name: str) -> str:
    """A metadata name in the letters Azure takes (those of a C# identifier): others become `_xHH_` for each UTF-8 byte."""
    out = "".join(
        c if _PLAIN.match(c) or (c == "_" and name[at + 1 : at + 2] != "x") else _hex(c) for at, c in enumerate(name)
    )
    return f"_x{ord(out[0]):02x}_{out[1:]}" if out[:1].isdigit() else out


def decoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as it was given: names and values without what keeping them added."""
    return {_name(name.lower()): _unworded(value) for name, value in metadata.items()}


def rfc3339(moment: datetime) -> str:
    """A time as rclone writes it: UTC, nine digits of a second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").zfill(30)


def time_of(text: str | None) -> datetime | None:
    """An RFC 3339 time, to the microsecond; `None` if this is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def http_date(value: str | None) -> datetime | None:
    """The time of a `Last-Modified`."""
    try:
        return None if value is None else parsedate_to_datetime(value).astimezone(UTC)
    except ValueError:
        return None


def _hex(char: str) -> str:
    return "".join(f"_x{byte:02x}_" for byte in char.encode("utf-8", "surrogateescape"))


def _name(name: str) -> str:
    raw = _CODED.sub(lambda m: bytes.fromhex(m[1]).decode("latin-1"), name)
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape") if raw != name else name


def _worded(value: str) -> str:
    """A value as it is where it is plain, else as an encoded word (RFC 2047)."""
    plain = value.isascii() and value.isprintable() and value == " ".join(value.split()) and not _WORD.search(value)
    plain = plain and bool(value)
    return value if plain else f"=?UTF-8?B?{base64.b64encode(value.encode('utf-8', 'surrogateescape')).decode()}?="


def _unworded(value: str) -> str:
    try:
        return _WORD.sub(lambda word: base64.b64decode(word[1]).decode("utf-8", "surrogateescape"), value)
    except binascii.Error:
        return value
