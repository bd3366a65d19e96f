"""Writing objects in one request, markers of folders, and copies that the store makes by itself."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import quote

from mover.connectors._kit.bodies import measured
from mover.connectors.s3 import entries
from mover.connectors.s3.address import Object, split
from mover.connectors.s3.session import NONE, Session
from mover.connectors.s3.xml import text
from mover.core.connector import NOTHING
from mover.core.errors import Damaged
from mover.core.model import Attributes, Body, Entry, ItemId, Kind


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> object: ...


_IN_THREAD: Final = 1 << 20
"""Bytes from which a digest is computed in a thread, so that other transfers go on meanwhile."""


async def put(
    session: Session, item: ItemId, body: Body, attributes: Attributes, storage_class: str | None
) -> tuple[Entry, bool]:
    """Store a body whose size is known, or that is at hand; also answers whether the store encrypts with a key."""
    headers = new_headers(attributes, item, storage_class)
    where = session.where.of(item)
    if (data := body.whole) is not None:
        _must_be(data, body.size, item)
        size = len(data)
        headers["content-md5"] = await content_md5(body, data)
        answer = await session.ask("PUT", where, NONE, headers, data, item=item)
    else:
        size = body.size or 0
        _add_md5(headers, body)
        answer = await session.put_stream(where, NONE, headers, measured(body, item), size)
    folder, name = split(item)
    entry = Entry(
        item,
        folder,
        name,
        Kind.FILE,
        size,
        attributes.modified,
        entries.digests_of(answer),
        version=entries.tag_of(answer.header("etag")),
        content_type=attributes.content_type,
        metadata=attributes.metadata,
    )
    return entry, entries.keyed(answer)


async def put_part(session: Session, where: Object, query: dict[str, str], body: Body) -> tuple[str, bool]:
    """Store a part; answers its tag, and whether the store encrypts with a key.

    Raises:
        Damaged: the store's digest of the part is another than ours.
    """
    data = body.whole
    if data is None and session.plain:
        data = b"".join([chunk async for chunk in measured(body, where.key)])
    if data is None:
        hasher = hashlib.md5(usedforsecurity=False)
        answer = await session.put_stream(
            where, query, NONE, _hashed(measured(body, where.key), hasher), body.size or 0
        )
        digest = hasher.digest()
    else:
        _must_be(data, body.size, where.key)
        md5 = await content_md5(body, data)
        digest = base64.b64decode(md5)
        answer = await session.ask("PUT", where, query, {"content-md5": md5}, data)
    tag = entries.tag_of(answer.header("etag")) or ""
    for told in () if entries.keyed(answer) else entries.tag_digest(tag):
        if told.algorithm == "md5" and told.value != digest:
            raise Damaged(f"the store's digest of the part is {told.hex}, not {digest.hex()}", item=where.key)
    return tag, entries.keyed(answer)


async def copy(
    session: Session, source: Entry, item: ItemId, attributes: Attributes, storage_class: str | None
) -> Entry:
    """Copy up to 5 GiB inside the store, with the source's attributes unless others are given."""
    where, origin = session.where.of(item), session.where.of(source.id)
    headers = new_headers(attributes, item, storage_class)
    headers["x-amz-copy-source"] = _source(origin)
    if attributes != NOTHING:
        headers["x-amz-metadata-directive"] = "REPLACE"
    if source.version is not None:
        headers["x-amz-copy-source-if-match"] = f'"{source.version}"'
    answer, root = await session.ask_xml("PUT", where, NONE, headers)
    tag = entries.tag_of(text(root, "ETag"))
    folder, name = split(item)
    digests = () if entries.keyed(answer) else entries.tag_digest(tag)
    copied = replace(source, id=item, parent=folder, name=name, version=tag, digests=digests, stored=None)
    if attributes == NOTHING:
        return copied
    return replace(
        copied, modified=attributes.modified, content_type=attributes.content_type, metadata=attributes.metadata
    )


async def copy_key(session: Session, folder: Object, key: str, to: Object, storage_class: str | None) -> None:
    """Copy one object below the prefix `folder` to its place below the prefix `to`."""
    headers = new_headers(NOTHING, key, storage_class)
    headers["x-amz-copy-source"] = _source(Object(folder.bucket, key))
    await session.ask_xml("PUT", Object(to.bucket, to.key + key[len(folder.key) :]), NONE, headers)


def new_headers(attributes: Attributes, item: str, storage_class: str | None) -> dict[str, str]:
    """The headers of a new object."""
    headers = entries.attribute_headers(attributes, item)
    if storage_class:
        headers["x-amz-storage-class"] = storage_class
    return headers


async def content_md5(body: Body, data: bytes) -> str:
    """The MD5 of a body that is at hand, in base64: the store refuses other bytes (BadDigest)."""
    known = next((d.value for d in body.digests if d.algorithm == "md5"), None)
    if known is None:
        known = _md5(data) if len(data) < _IN_THREAD else await asyncio.to_thread(_md5, data)
    return base64.b64encode(known).decode()


def _source(origin: Object) -> str:
    return quote(f"/{origin.bucket}/{origin.key}", safe="/~", errors="surrogateescape")


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _add_md5(headers: dict[str, str], body: Body) -> None:
    for digest in body.digests:
        if digest.algorithm == "md5":
            headers["content-md5"] = base64.b64encode(digest.value).decode()


async def _hashed(chunks: AsyncIterator[bytes], hasher: _Hasher) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        hasher.update(chunk)
        yield chunk


def _must_be(data: bytes, size: int | None, item: str) -> None:
    if size is not None and len(data) != size:
        raise Damaged(f"expected {size} bytes, got {len(data)}", item=item)
