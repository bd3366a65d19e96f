"""Writing objects in one request, folders, and copies that the store makes by itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, Protocol

from mover.connectors._kit.bodies import measured
from mover.connectors.swift import entries, listing, segments
from mover.connectors.swift.address import Object, split
from mover.connectors.swift.session import NONE, Session
from mover.core.connector import NOTHING
from mover.core.errors import Conflict, Damaged, NotFound, Refused, Unfit
from mover.core.model import Attributes, Body, Entry, ItemId, Kind


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> object: ...


SINGLE: Final = 5 << 30
"""Bytes of the largest object that is not made of segments."""

_CONTAINER_BYTES: Final = 256
_IN_THREAD: Final = 1 << 20
"""Bytes from which a digest is computed in a thread, so that other transfers go on meanwhile."""


async def put(session: Session, item: ItemId, body: Body, attributes: Attributes, *, was_large: bool) -> Entry:
    """Store a body in one request. `was_large`: what stands there may have segments, which go once it is replaced."""
    headers, where = entries.attribute_headers(attributes, item), session.place.of(item)
    if not where.name:
        raise Unfit("a file cannot stand beside containers; choose a container", item=item)
    if body.size is not None and body.size > SINGLE:
        raise Unfit("the store takes at most 5 GiB in one request", item=item)
    old = await segments.of_object(session, where) if was_large else []
    tag, size = await put_body(session, where, headers, body)
    await segments.drop(session, old)
    above, name = split(item)
    return Entry(
        item,
        above,
        name,
        Kind.FILE,
        size,
        attributes.modified,
        entries.digests_of(tag),
        version=tag,
        content_type=attributes.content_type,
        metadata=attributes.metadata,
    )


async def put_body(session: Session, where: Object, headers: dict[str, str], body: Body) -> tuple[str, int]:
    """Send a body; the tag that the store gave it, and its size.

    Raises:
        Damaged: the store received other bytes than we sent: it says so itself where the MD5 is known before.
    """
    data, known = body.whole, next((d.hex for d in body.digests if d.algorithm == "md5"), None)
    if data is not None:
        if body.size is not None and len(data) != body.size:
            raise Damaged(f"expected {body.size} bytes, got {len(data)}", item=where.name)
        known = known or (_md5(data) if len(data) < _IN_THREAD else await asyncio.to_thread(_md5, data))
        answer = await session.ask("PUT", where, NONE, {**headers, "etag": known}, data)
        return _tag(answer.header("etag"), known, where), len(data)
    hasher, count = hashlib.md5(usedforsecurity=False), [0]
    if known is not None:
        headers = {**headers, "etag": known}
    answer = await session.put_stream(where, headers, _hashed(measured(body, where.name), hasher, count), body.size)
    return _tag(answer.header("etag"), hasher.hexdigest(), where), count[0]


async def copy(session: Session, source: Entry, item: ItemId, attributes: Attributes) -> Entry:
    """Copy up to 5 GiB inside the store, with the source's attributes unless others are given.

    Raises:
        Refused: it is larger.
    """
    if source.size is not None and source.size > SINGLE:
        raise Refused("the store copies at most 5 GiB by itself", item=source.id)
    where, origin = session.place.of(item), session.place.of(source.id)
    headers = entries.attribute_headers(attributes, item) | {"x-copy-from": origin.path}
    if attributes != NOTHING:
        headers["x-fresh-metadata"] = "true"
    answer = await session.ask("PUT", where, NONE, headers, b"", item=item)
    tag = (answer.header("etag") or "").strip('"') or None
    above, name = split(item)
    copied = replace(
        source, id=item, parent=above, name=name, version=tag, digests=entries.digests_of(tag), stored=None
    )
    if attributes == NOTHING:
        return copied
    return replace(
        copied, modified=attributes.modified, content_type=attributes.content_type, metadata=attributes.metadata
    )


async def make_folder(session: Session, folder: ItemId) -> Entry:
    """Make a folder, or a container at the top; one that has something in it needs no marker. Raises `Conflict`."""
    where = session.place.of(folder)
    if not where.name:
        if len(where.container.encode("utf-8", "surrogateescape")) > _CONTAINER_BYTES:
            raise Unfit(f"a container's name has at most {_CONTAINER_BYTES} bytes", item=folder)
        await session.ask("PUT", where, item=folder)
        return entries.folder(folder)
    try:
        answer = await session.ask("HEAD", Object(where.container, where.name[:-1]))
    except NotFound:
        pass
    else:
        if not (answer.header("content-type") or "").startswith(entries.FOLDER_TYPE):
            raise Conflict("a file stands there", item=folder[:-1])
    if not await listing.anything(session, folder):
        await session.ask("PUT", where, NONE, {"content-type": entries.FOLDER_TYPE}, b"", item=folder)
    return entries.folder(folder)


async def remove(session: Session, item: ItemId) -> None:
    """Remove a file with its segments, or an empty folder with its markers, or an empty container."""
    where = session.place.of(item)
    if item.endswith("/"):
        await _remove_folder(session, item, where)
        return
    old = await segments.of_object(session, where)
    try:
        await session.ask("DELETE", where, item=item)
    except NotFound:
        return
    await segments.drop(session, old)


async def _remove_folder(session: Session, item: ItemId, where: Object) -> None:
    names = [where.name, where.name.rstrip("/")] if where.name else [""]
    try:
        if where.name and await listing.anything(session, item, beside_marker=True):
            raise Conflict("the folder is not empty", item=item)
        for name in names:
            if name and not name.endswith("/") and not await _is_marker(session, Object(where.container, name)):
                continue
            await _gone(session, Object(where.container, name), item)
    except NotFound:
        return


async def _gone(session: Session, where: Object, item: ItemId) -> None:
    try:
        await session.ask("DELETE", where, item=item)
    except NotFound:
        return


async def _is_marker(session: Session, where: Object) -> bool:
    try:
        answer = await session.ask("HEAD", where)
    except NotFound:
        return False
    return (answer.header("content-type") or "").startswith(entries.FOLDER_TYPE)


def _tag(told: str | None, expected: str, where: Object) -> str:
    tag = (told or "").strip('"')
    if tag != expected:
        raise Damaged(f"the store's digest of the object is {tag or 'missing'}, not {expected}", item=where.name)
    return tag


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


async def _hashed(chunks: AsyncIterator[bytes], hasher: _Hasher, count: list[int]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        hasher.update(chunk)
        count[0] += len(chunk)
        yield chunk
