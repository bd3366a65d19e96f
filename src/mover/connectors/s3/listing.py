"""Listings: folder by folder, and everything below a folder in one stream.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html. Own code and not `obstore`: that library fails on keys
with "//", and shows the marker "a/" as an object "a".
"""

from __future__ import annotations

import asyncio
import re
from binascii import a2b_qp
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import lt
from typing import Final, NamedTuple, TypeVar
from urllib.parse import unquote_plus, unquote_to_bytes

from mover.connectors.s3 import entries
from mover.connectors.s3.address import Object
from mover.connectors.s3.rows import Columns, split
from mover.connectors.s3.session import Session
from mover.connectors.s3.times import Times
from mover.connectors.s3.xml import Element, parse, text
from mover.core.errors import NotFound, Refused, Unreachable
from mover.core.model import Batch, Cursor, Entry, ItemId, Kind, Page

T = TypeVar("T")

_TOKEN: Final = re.compile(rb"<NextContinuationToken>([^<&]*)</NextContinuationToken>")
_NO_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_FIELDS: Final = ("Key", "Size", "LastModified", "ETag")


class Listed(NamedTuple):
    """One answer: objects column by column, prefixes that stand for more, and the token of the next answer.

    `stored` is in seconds since 1970 UTC; `tags` are without quotes.
    """

    keys: list[str]
    sizes: list[int]
    stored: Sequence[float]
    tags: list[str | None]
    prefixes: list[str]
    next: str | None

    def without_marker(self, prefix: str) -> Listed:
        """The same without the marker of the listed folder itself, which is no item of its own unless it holds bytes."""
        if prefix not in self.keys or self.sizes[at := self.keys.index(prefix)]:
            return self
        return Listed(
            _but(self.keys, at),
            _but(self.sizes, at),
            _but(self.stored, at),
            _but(self.tags, at),
            self.prefixes,
            self.next,
        )


async def page(session: Session, folder: ItemId, after: Cursor | None, *, trusted: bool) -> Page:
    """One page of a folder. Raises `NotFound` if nothing is there, not even a marker."""
    where = session.where.of(folder)
    if not where.bucket:
        return await _buckets(session)
    got = listed(await _answer(session, where, after, delimiter=True))
    if not (got.keys or got.prefixes or after or got.next) and "/" in where.key:
        raise NotFound("there is no such folder", item=folder)
    found = [entries.folder(session.where.id(Object(where.bucket, prefix))) for prefix in got.prefixes]
    got = got.without_marker(where.key)
    for key, size, stored, tag in zip(got.keys, got.sizes, got.stored, got.tags, strict=True):
        item = session.where.id(Object(where.bucket, key))
        found.append(entries.listed(item, size, datetime.fromtimestamp(stored, UTC), tag, trusted=trusted))
    return Page(tuple(found), Cursor(got.next) if got.next else None)


async def anything(session: Session, folder: ItemId, *, beside_marker: bool = False) -> bool:
    """Whether there is an object below a folder, or its marker."""
    where = session.where.of(folder)
    got = listed(await _answer(session, where, None, limit=2))
    return any(not beside_marker or key != where.key for key in got.keys)


async def deep(session: Session, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
    """Everything below a folder, or what comes behind the path `after`, in the byte order of the paths.

    The next answer is on its way while one is read.

    Raises:
        Refused: the store does not list in order.
    """
    where = session.where.of(folder)
    if not where.bucket:
        async for batch in _deep_buckets(session):
            yield batch
        return
    last, cut = "", len(where.key)
    async for got in below(session, where, after):
        paths = [key[cut:] for key in got.keys] if cut else got.keys
        last = _in_order(last, paths)
        yield Batch(paths, got.sizes, got.stored, got.tags)


async def below(session: Session, where: Object, behind: str = "") -> AsyncIterator[Listed]:
    """Every object below a prefix, without the prefix's own marker, in the store's order; no answer is empty.

    With `behind`, those whose names below the prefix come after it.
    """
    coming = asyncio.ensure_future(_answer(session, where, None, behind=behind))
    try:
        while True:
            body = await coming
            early = _TOKEN.search(body)
            if early:
                coming = asyncio.ensure_future(_answer(session, where, Cursor(early[1].decode())))
            got = listed(body)
            if (rows := got.without_marker(where.key)).keys:
                yield rows
            if not got.next:
                return
            if not early:
                coming = asyncio.ensure_future(_answer(session, where, Cursor(got.next)))
    finally:
        coming.cancel()


async def bucket_names(session: Session) -> list[str]:
    """The names of all buckets, sorted."""
    _, root = await session.ask_xml("GET", Object("", ""))
    return sorted([text(element, "Name") for element in root.iterfind("Buckets/Bucket")])


def row_entry(folder: ItemId, batch: Batch, index: int, *, trusted: bool) -> Entry:
    """The entry of one row of `deep`."""
    item = ItemId(folder + batch.paths[index])
    if item.endswith("/") and not batch.sizes[index]:
        return entries.folder(item)
    stored = datetime.fromtimestamp(batch.stored[index], UTC)
    return entries.listed(item, batch.sizes[index], stored, batch.tags[index], trusted=trusted)


def listed(body: bytes) -> Listed:
    """An answer to ListObjectsV2.

    Raises:
        Unreachable: it is no such answer, or says that more follows but not how to ask for it.
    """
    quick = split(body)
    root = parse(body if quick is None else quick[0])
    if root.tag != "ListBucketResult":
        raise Unreachable(f"asked for a listing, the store answered with {root.tag}")
    names = _url_decoded if root.findtext("EncodingType") == "url" else list[str]
    try:
        keys, sizes, stored, tags = _columns(root) if quick is None else _columns_of(quick[1])
    except ValueError:
        raise Unreachable("the store's listing holds a size that is no number") from None
    prefixes = names([text(element, "Prefix") for element in root.iterfind("CommonPrefixes")])
    token = text(root, "NextContinuationToken") or None
    if text(root, "IsTruncated") == "true" and token is None:
        raise Unreachable("the store says that its listing goes on, but not where")
    return Listed(names(keys), sizes, stored, tags, prefixes, token if text(root, "IsTruncated") == "true" else None)


async def _answer(
    session: Session,
    where: Object,
    after: Cursor | None,
    *,
    delimiter: bool = False,
    limit: int | None = None,
    behind: str = "",
) -> bytes:
    query = {"list-type": "2", "encoding-type": "url", "prefix": where.key}
    if delimiter:
        query["delimiter"] = "/"
    if limit:
        query["max-keys"] = str(limit)
    if after:
        query["continuation-token"] = after
    elif behind:
        query["start-after"] = where.key + behind
    return (await session.ask("GET", Object(where.bucket, ""), query, item=where.key or where.bucket)).body


def _but(column: Sequence[T], at: int) -> list[T]:
    return [*column[:at], *column[at + 1 :]]


def _columns(root: Element) -> tuple[list[str], list[int], Sequence[float], list[str | None]]:
    """Keys as they are written, sizes, times and tags. By columns: a row at a time takes twice as long."""
    keys, sizes, times, tags = ([e.text or "" for e in root.iter(name)] for name in _FIELDS)
    if not len(keys) == len(sizes) == len(times):
        raise Unreachable("the store's listing leaves out the key, the size or the time of an object")
    if len(tags) != len(keys):
        tags = [text(element, "ETag") for element in root.iterfind("Contents")]
    return keys, list(map(int, sizes)), Times(times), [tag.strip('"') or None for tag in tags]


def _columns_of(rows: Columns) -> tuple[list[str], list[int], Sequence[float], list[str | None]]:
    """The same of rows that were read without the parser."""
    return rows.keys, list(map(int, rows.sizes)), Times(rows.times), [tag or None for tag in rows.tags]


def _url_decoded(values: list[str]) -> list[str]:
    """All of them at once where no line break is among them, which is the usual case and takes a tenth of the time."""
    whole = "\n".join(values)
    if "%0A" in whole or "%0a" in whole:
        return [unquote_plus(value, errors="surrogateescape") for value in values]
    if "%" not in whole and "+" not in whole:
        return values
    return _unquoted(whole).split("\n") if values else []


def _unquoted(text: str) -> str:
    """Percent-decoded, in C: the escapes of quoted-printable text (RFC 2045 §6.7) are the same but for their mark."""
    if not text.isascii() or _NO_ESCAPE.search(text):
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "surrogateescape")
    return a2b_qp(text.replace("=", "=3D").replace("%", "=").replace("+", " ")).decode("utf-8", "surrogateescape")


def _in_order(last: str, paths: list[str]) -> str:
    if paths and (paths[0] <= last or not all(map(lt, paths, islice(paths, 1, None)))) and (last or len(paths) > 1):
        raise Refused("this store does not list its keys in order: it must be listed folder by folder")
    return paths[-1] if paths else last


async def _buckets(session: Session) -> Page:
    return Page(tuple([Entry(ItemId(f"{b}/"), ItemId(""), b, Kind.FOLDER) for b in await bucket_names(session)]))


async def _deep_buckets(session: Session) -> AsyncIterator[Batch]:
    for bucket in await bucket_names(session):
        async for batch in deep(session, ItemId(f"{bucket}/")):
            yield Batch([f"{bucket}/{path}" for path in batch.paths], batch.sizes, batch.stored, batch.tags)
