"""Listings: folder by folder, and everything below a folder in one stream.

Source: https://docs.openstack.org/api-ref/object-store/#show-container-details-and-list-objects
"""

from __future__ import annotations

import asyncio
import heapq
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, cast

from mover.connectors.swift import entries
from mover.connectors.swift.address import Object
from mover.connectors.swift.session import ACCOUNT, Session
from mover.core.errors import NotFound, Unreachable
from mover.core.model import Batch, Cursor, Entry, ItemId, Page

SEGMENTS: Final = "_segments"
"""What is put after a container's name for the container that holds the segments of its large objects."""

_PAGE: Final = 10_000
_ABREAST: Final = 16


class Row(NamedTuple):
    """An object in a listing; `stored` is in seconds since 1970 UTC."""

    name: str
    size: int
    stored: float
    tag: str | None
    folder: bool


class Listed(NamedTuple):
    """One answer: objects, prefixes that stand for more, and where the next answer begins."""

    rows: list[Row]
    prefixes: list[str]
    next: str | None


async def page(session: Session, folder: ItemId, after: Cursor | None) -> Page:
    """One page of a folder. Raises `NotFound` if nothing is there, not even a marker."""
    where = session.place.of(folder)
    if not where.container:
        return Page(tuple(entries.folder(ItemId(f"{name}/")) for name in await containers(session)))
    got = await listed(session, where, after, delimiter=True)
    if not (got.rows or got.prefixes or after) and folder and where.name and not await _marked(session, where):
        raise NotFound("there is no such folder", item=folder)
    folders = dict.fromkeys(got.prefixes)
    folders.update({f"{row.name}/": None for row in got.rows if row.folder and row.name != where.name})
    found = [entries.folder(session.place.id(Object(where.container, name))) for name in folders if name != where.name]
    for row in got.rows:
        if not row.folder and (row.name != where.name or row.size):
            item = session.place.id(Object(where.container, row.name))
            found.append(entries.listed(item, row.size, datetime.fromtimestamp(row.stored, UTC), row.tag))
    return Page(tuple(found), Cursor(got.next) if got.next else None)


async def deep(session: Session, folder: ItemId) -> AsyncIterator[Batch]:
    """Everything below a folder in the byte order of the paths; the next answer is on its way while one is read."""
    where = session.place.of(folder)
    if where.container:
        async for rows in below(session, where):
            yield _batch(rows, len(where.name), "")
        return
    for name in sorted(await containers(session), key=lambda name: f"{name}/".encode()):
        yield Batch([f"{name}/"], [0], [0.0], [None])
        async for rows in below(session, Object(name, "")):
            yield _batch(rows, 0, f"{name}/")


async def below(session: Session, where: Object) -> AsyncIterator[list[Row]]:
    """Every object below a prefix but its own marker, in the byte order of the names; folders' names end in a slash."""
    waiting: list[tuple[bytes, Row]] = []
    after: str | None = None
    last = b""
    while True:
        got = await listed(session, where, after, delimiter=False)
        ready: list[Row] = []
        for row in got.rows:
            while waiting and waiting[0][0] < row.name.encode("utf-8", "surrogateescape"):
                last = _add(ready, heapq.heappop(waiting), last)
            if row.folder and row.name and not row.name.endswith("/"):
                marker = row._replace(name=f"{row.name}/")
                heapq.heappush(waiting, (marker.name.encode("utf-8", "surrogateescape"), marker))
            elif row.name != where.name or row.size:
                last = _add(ready, (row.name.encode("utf-8", "surrogateescape"), row), last)
        if got.next is None:
            while waiting:
                last = _add(ready, heapq.heappop(waiting), last)
        if ready:
            yield ready
        if got.next is None:
            return
        after = got.next


def _add(ready: list[Row], found: tuple[bytes, Row], last: bytes) -> bytes:
    """Two objects may stand for one folder: "a" of the type of folders, and "a/"."""
    if found[0] != last:
        ready.append(found[1])
    return found[0]


async def anything(session: Session, folder: ItemId, *, beside_marker: bool = False) -> bool:
    """Whether there is an object below a folder, or its marker."""
    where = session.place.of(folder)
    got = await listed(session, where, None, delimiter=False, limit=2)
    if any(not beside_marker or row.name != where.name for row in got.rows):
        return True
    return not beside_marker and await _marked(session, where)


async def containers(session: Session) -> list[str]:
    """The names of all containers, but those of segments whose own container is there too."""
    names: list[str] = []
    while True:
        query = {"format": "json", "limit": str(_PAGE)} | ({"marker": names[-1]} if names else {})
        rows = _json((await session.ask("GET", ACCOUNT, query)).body)
        names += [str(row["name"]) for row in rows]
        if len(rows) < _PAGE:
            there = set(names)
            return [n for n in names if not (n.endswith(SEGMENTS) and n.removesuffix(SEGMENTS) in there)]


def row_entry(folder: ItemId, batch: Batch, index: int) -> Entry:
    """The entry of one row of `deep`."""
    item = ItemId(folder + batch.paths[index])
    if item.endswith("/") and not batch.sizes[index]:
        return entries.folder(item)
    stored = datetime.fromtimestamp(batch.stored[index], UTC)
    return entries.listed(item, batch.sizes[index], stored, batch.tags[index])


async def listed(session: Session, where: Object, after: str | None, *, delimiter: bool, limit: int = _PAGE) -> Listed:
    """One answer of the store.

    An object of no bytes may be the manifest of a dynamic large object, whose size only its headers tell: they are asked for.
    """
    query = {"format": "json", "limit": str(limit), "prefix": where.name}
    query |= ({"delimiter": "/"} if delimiter else {}) | ({"marker": after} if after else {})
    answer = await session.ask("GET", Object(where.container, ""), query, item=where.name or where.container)
    told = _json(answer.body)
    rows = [_row(one) for one in told if "subdir" not in one]
    prefixes = [str(one["subdir"]) for one in told if "subdir" in one]
    last = str(told[-1].get("subdir") or told[-1].get("name")) if len(told) >= limit else None
    return Listed(await _measured(session, where.container, rows), prefixes, last)


async def _measured(session: Session, container: str, rows: list[Row]) -> list[Row]:
    doubtful = [at for at, row in enumerate(rows) if not row.size and not row.folder]
    for start in range(0, len(doubtful), _ABREAST):
        some = doubtful[start : start + _ABREAST]
        asked = [_true_row(session, container, rows[at]) for at in some]
        for at, row in zip(some, await asyncio.gather(*asked), strict=True):
            rows[at] = row
    return rows


async def _true_row(session: Session, container: str, row: Row) -> Row:
    try:
        answer = await session.ask("HEAD", Object(container, row.name))
    except NotFound:
        return row
    size = answer.header("content-length") or ""
    return row._replace(size=int(size) if size.isdigit() else 0, tag=entries.tag_in(answer))


async def _marked(session: Session, where: Object) -> bool:
    """Whether an object of the type of folders stands for the prefix, with or without its slash."""
    for name in (where.name, where.name.rstrip("/")):
        try:
            answer = await session.ask("HEAD", Object(where.container, name))
        except NotFound:
            continue
        if name.endswith("/") or _is_folder(answer.header("content-type")):
            return True
    return False


def _row(told: dict[str, object]) -> Row:
    name, size = str(told.get("name")), int(str(told.get("bytes") or 0))
    slo = told.get("slo_etag")
    tag = str(slo).strip('"') + entries.LARGE if slo else str(told.get("hash") or "") or None
    is_folder = not size and (name.endswith("/") or _is_folder(str(told.get("content_type"))))
    return Row(name, size, _moment(str(told.get("last_modified"))), tag, is_folder)


def _is_folder(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip() == entries.FOLDER_TYPE


def _moment(text: str) -> float:
    """Swift writes UTC without saying so."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _batch(rows: Sequence[Row], cut: int, before: str) -> Batch:
    return Batch(
        [before + row.name[cut:] for row in rows],
        [row.size for row in rows],
        [row.stored for row in rows],
        [row.tag for row in rows],
    )


def _json(body: bytes) -> list[dict[str, object]]:
    try:
        told: object = json.loads(body or b"[]")
    except ValueError as problem:
        raise Unreachable("the store's listing is no JSON") from problem
    if not isinstance(told, list):
        raise Unreachable("the store's listing is no list")
    return [cast("dict[str, object]", one) for one in cast("list[object]", told) if isinstance(one, dict)]
