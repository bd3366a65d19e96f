"""Entries out of headers and listings, and headers out of attributes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

from mover.connectors.s3.address import split
from mover.core.errors import Unfit
from mover.core.model import Algorithm, Attributes, Digest, Entry, ItemId, Kind

MTIME: Final = "mtime"
"""The metadata that holds the time of modification: seconds since 1970 UTC with a fraction, as rclone writes it."""

_META: Final = "x-amz-meta-"
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_PARTS: Final = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,4})")
_TOKEN: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_WORD: Final = re.compile(r"=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=", re.IGNORECASE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKSUMS: Final[tuple[tuple[Algorithm, str], ...]] = (
    ("crc64nvme", "x-amz-checksum-crc64nvme"),
    ("crc32c", "x-amz-checksum-crc32c"),
    ("sha1", "x-amz-checksum-sha1"),
    ("sha256", "x-amz-checksum-sha256"),
)


class Answered(Protocol):
    """What both kinds of HTTP answers have."""

    def header(self, name: str) -> str | None: ...


def tag_of(etag: str | None) -> str | None:
    """An ETag without its quotes; a weak one is none, since it does not tell versions apart."""
    return None if etag is None or etag.startswith("W/") else etag.strip('"') or None


def tag_digest(tag: str | None) -> tuple[Digest, ...]:
    """What an ETag tells of the content, where the store encrypts with no key of somebody's.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    if tag is None:
        return ()
    if _MD5.fullmatch(tag):
        return (Digest("md5", bytes.fromhex(tag)),)
    if parts := _PARTS.fullmatch(tag):
        return (Digest("md5-of-parts", bytes.fromhex(parts[1]) + int(parts[2]).to_bytes(4, "big")),)
    return ()


def keyed(answer: Answered) -> bool:
    """Whether the object is encrypted with a key of somebody's (SSE-KMS, SSE-C): then its ETag is no digest."""
    kind = answer.header("x-amz-server-side-encryption") or ""
    return kind.startswith("aws:") or answer.header("x-amz-server-side-encryption-customer-algorithm") is not None


def digests_of(answer: Answered) -> tuple[Digest, ...]:
    """Every digest of the whole object that an answer's headers report."""
    found = () if keyed(answer) else tag_digest(tag_of(answer.header("etag")))
    for algorithm, name in _CHECKSUMS:
        if (value := answer.header(name)) is not None:
            found += checksum(algorithm, value, answer.header("x-amz-checksum-type"))
    return found


def checksum(algorithm: Algorithm, value: str, kind: str | None) -> tuple[Digest, ...]:
    """A checksum in base64 as a digest; none if it is composed of the parts' checksums."""
    if "-" in value or kind == "COMPOSITE":
        return ()
    try:
        return (Digest(algorithm, base64.b64decode(value, validate=True)),)
    except binascii.Error:
        return ()


def file(item: ItemId, answer: Answered, headers: Mapping[str, str], size: int | None) -> Entry:
    """A file as the headers of GET or HEAD describe it."""
    folder, name = split(item)
    meta = {
        key[len(_META) :].lower(): _decoded(value)
        for key, value in headers.items()
        if key[: len(_META)].lower() == _META
    }
    modified = time_of(meta.get(MTIME))
    if modified is not None:
        del meta[MTIME]
    return Entry(
        item,
        folder,
        name,
        Kind.FILE,
        size,
        modified,
        digests_of(answer),
        version=tag_of(answer.header("etag")),
        stored=_http_date(answer.header("last-modified")),
        content_type=answer.header("content-type"),
        metadata=meta,
    )


def listed(item: ItemId, size: int, stored: datetime, tag: str | None, *, trusted: bool) -> Entry:
    """An object as a listing shows it; its ETag is taken for a digest if it is `trusted`.

    What is no file that a path could name is `Kind.OTHER`: a marker that holds bytes, a last part that is empty or dots.
    """
    folder, name = split(item)
    if item.endswith("/"):
        return Entry(item, ItemId(item), "/", Kind.OTHER, size, version=tag, stored=stored)
    kind = Kind.FILE if is_path(item) else Kind.OTHER
    return Entry(item, folder, name, kind, size, None, tag_digest(tag) if trusted else (), version=tag, stored=stored)


def folder(item: ItemId) -> Entry:
    """A folder; one that no path could name is `Kind.OTHER` and stands for all below it."""
    above, name = split(item)
    return Entry(item, above, name or "/", Kind.FOLDER if is_path(item) else Kind.OTHER)


def is_path(item: str) -> bool:
    """Whether an id can be walked to: no part of it is empty, `.` or `..`."""
    if "//" in item or item.startswith("/"):
        return False
    dotted = "./" in item or item.endswith(".")
    return not (dotted and {".", ".."} & set(item.split("/")))


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


def attribute_headers(attributes: Attributes, item: str) -> dict[str, str]:
    """The headers that keep attributes beside an object.

    Raises:
        Unfit: a name in the metadata cannot be a header's name, or a value cannot be a header's value.
    """
    headers: dict[str, str] = {}
    if attributes.content_type is not None:
        headers["content-type"] = _value(attributes.content_type, item)
    for name, value in attributes.metadata.items():
        if not _TOKEN.fullmatch(name.lower()):
            raise Unfit(f"the store cannot keep metadata of the name {name!r}", item=item)
        headers[_META + name.lower()] = _encoded(value)
    if attributes.modified is not None:
        headers[_META + MTIME] = seconds(attributes.modified)
    return headers


def seconds(moment: datetime) -> str:
    """A time as rclone writes it, to the microsecond."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06}".rstrip("0").rstrip(".")


def _value(value: str, item: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise Unfit(f"the store cannot keep the content type {value!r}", item=item)
    return value


def _encoded(value: str) -> str:
    """A value as it is where it is plain, else as an encoded word (RFC 2047), which is how S3 itself shows such values."""
    plain = value.isascii() and value.isprintable() and value == " ".join(value.split()) and not _WORD.search(value)
    return value if plain else f"=?UTF-8?B?{base64.b64encode(value.encode('utf-8', 'surrogateescape')).decode()}?="


def _decoded(value: str) -> str:
    try:
        return _WORD.sub(lambda word: base64.b64decode(word[1]).decode("utf-8", "surrogateescape"), value)
    except binascii.Error:
        return value


def _http_date(value: str | None) -> datetime | None:
    try:
        return None if value is None else parsedate_to_datetime(value).astimezone(UTC)
    except ValueError:
        return None
