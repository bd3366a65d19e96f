"""Folders, which a store does not have: prefixes of keys, kept while empty by an object "name/" of no bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Final

from mover.connectors.s3 import entries, listing, reading, writing
from mover.connectors.s3.address import Object, split
from mover.connectors.s3.session import NONE, Session
from mover.core.connector import NOTHING
from mover.core.errors import Conflict, NotFound, Refused
from mover.core.model import Entry, ItemId, Kind

_MARKER: Final = {"content-type": "application/x-directory"}

_ABREAST: Final = 16
"""Copies or removals on their way at once while a folder is moved."""


async def check(session: Session) -> None:
    """Whether the root can be listed: the cheapest proof that the connection works."""
    where = session.where.of("")
    query = {"list-type": "2", "max-keys": "1", "prefix": where.key} if where.bucket else NONE
    await session.ask("GET", Object(where.bucket, ""), query, item=where.bucket or None)


async def find(session: Session, path: str) -> Entry:
    """The file or folder at a path. Raises `NotFound`."""
    item = ItemId(path.rstrip("/"))
    where = session.where.of(item)
    if where.key and not path.endswith("/"):
        try:
            return await reading.describe(session, _file(item))
        except NotFound:
            pass  # it may be a folder
    folder = ItemId(item + "/")
    if not entries.is_path(item) or not await listing.anything(session, folder):
        raise NotFound("there is no file and no folder of that name", item=item)
    return entries.folder(folder)


async def make(session: Session, folder: ItemId) -> Entry:
    """Make a folder; one that has something in it needs no marker. Raises `Conflict` if a file is there."""
    where = session.where.of(folder)
    if not where.key:
        return await _make_bucket(session, folder)
    try:
        await reading.describe(session, _file(ItemId(folder[:-1])))
    except NotFound:
        pass
    else:
        raise Conflict("a file stands there", item=folder[:-1])
    if not await listing.anything(session, folder):
        await _mark(session, folder)
    return entries.folder(folder)


async def remove(session: Session, item: ItemId) -> None:
    """Remove a file, or the marker of a folder. Versions that the store keeps stay."""
    where = session.where.of(item)
    try:
        if item.endswith("/") and await listing.anything(session, item, beside_marker=True):
            raise Conflict("the folder is not empty", item=item)
        await session.ask("DELETE", where, item=item)
    except NotFound:
        return


async def move_file(session: Session, item: ItemId, to: ItemId, storage_class: str | None) -> Entry:
    """A copy inside the store, then the original is removed."""
    source = await reading.describe(session, _file(item))
    if item == to:
        return source
    copied = await writing.copy(session, source, to, NOTHING, storage_class)
    await remove(session, item)
    return copied


async def move(session: Session, folder: ItemId, to: ItemId, storage_class: str | None) -> Entry:
    """Every object below a folder copied, then every original removed: a failure between leaves both, and loses nothing.

    Raises:
        NotFound: nothing is there.
        Conflict: the new place lies inside the folder.
        Refused: the folder is a bucket.
    """
    if to == folder:
        return entries.folder(folder)
    if to.startswith(folder):
        raise Conflict("a folder cannot be moved into itself", item=folder)
    where = session.where.of(folder)
    if not where.key or not session.where.of(to).key:
        raise Refused("a bucket cannot be renamed", item=folder)
    if not await listing.anything(session, folder):
        raise NotFound("there is no such folder", item=folder)
    async for keys in _keys(session, where):
        await _at_once([writing.copy_key(session, where, key, session.where.of(to), storage_class) for key in keys])
    if not await listing.anything(session, to):
        await _mark(session, to)
    async for keys in _keys(session, where):
        await _at_once([session.ask("DELETE", Object(where.bucket, key)) for key in keys])
    await session.ask("DELETE", where, item=folder)
    return entries.folder(to)


async def _mark(session: Session, folder: ItemId) -> None:
    """Put a marker, unless the store takes "name/" for "name" (rclone's does): there folders last while something is in them."""
    if session.marks is False:
        return
    await session.ask("PUT", session.where.of(folder), NONE, _MARKER, b"", item=folder)
    if session.marks is None:
        try:
            await reading.describe(session, _file(ItemId(folder[:-1])))
        except NotFound:
            session.marks = True
        else:
            session.marks = False
            await session.ask("DELETE", session.where.of(folder[:-1]), item=folder)


async def _make_bucket(session: Session, folder: ItemId) -> Entry:
    where = session.where.of(folder)
    if not where.bucket:
        raise Conflict("the root is there already", item=folder)
    if where.bucket not in await listing.bucket_names(session):
        await session.ask("PUT", where, NONE, NONE, session.location, item=folder)
    return entries.folder(folder)


async def _keys(session: Session, where: Object) -> AsyncIterator[list[str]]:
    async for got in listing.below(session, where):
        for start in range(0, len(got.keys), _ABREAST):
            yield got.keys[start : start + _ABREAST]


async def _at_once(calls: Sequence[Coroutine[None, None, object]]) -> None:
    """All of them; the first failure is raised as it is, the others are cancelled."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _file(item: ItemId) -> Entry:
    above, name = split(item)
    return Entry(item, above, name, Kind.FILE)
