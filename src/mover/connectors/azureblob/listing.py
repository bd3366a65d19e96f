"""Listings: folder by folder, and everything below a folder in one stream.

Source: https://learn.microsoft.com/rest/api/storageservices/list-blobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import unquote

from mover.connectors.azureblob import entries
from mover.connectors.azureblob.address import split
from mover.connectors.azureblob.session import Session
from mover.connectors.azureblob.xml import Element, parse
from mover.core.errors import NotFound, Refused
from mover.core.model import Batch, Cursor, Entry, ItemId, Kind, Page

PAGE: Final = 5000
"""Names in one answer: the most there can be."""


class Listed(NamedTuple):
    """One answer: blobs, prefixes that go on, and where the next answer begins."""

    blobs: list[Element]
    prefixes: list[str]
    next: str | None


async def page(session: Session, folder: ItemId, after: Cursor | None) -> Page:
    """One page of a folder. Raises `NotFound` if nothing is there, not even a marker."""
    got = await answer(session, folder, after, delimiter=True)
    below = len(session.where.base)
    found = {name: entries.folder(ItemId(name[below:])) for name in got.prefixes}
    empty = not got.prefixes and not got.blobs
    for blob in got.blobs:
        name = name_of(blob)
        if name == session.where.base + folder and name.endswith("/"):
            continue  # the marker of the folder itself
        if _is_folder(blob):
            found.setdefault(f"{name}/", entries.folder(ItemId(f"{name[below:]}/")))
        else:
            found[name] = _file(ItemId(name[below:]), blob)
    if empty and after is None and got.next is None and folder:
        raise NotFound("there is no such folder", item=folder)
    return Page(tuple(found.values()), Cursor(got.next) if got.next else None)


async def deep(session: Session, folder: ItemId) -> AsyncIterator[Batch]:
    """Everything below a folder. Raises `Refused` where the store does not list in the byte order of names."""
    marker, last, below = None, b"", len(session.where.base) + len(folder)
    while True:
        got = await answer(session, folder, marker, delimiter=False)
        times: list[float] = []
        batch = Batch([], [], times, [])
        for blob in got.blobs:
            name = name_of(blob)[below:]
            if not name or _is_folder(blob):
                continue
            if (raw := name.encode("utf-8", "surrogateescape")) <= last:
                raise Refused("this account does not list names in the order of their bytes", item=name)
            last = raw
            stored = entries.http_date(blob.findtext("Properties/Last-Modified"))
            batch.paths.append(name)
            batch.sizes.append(int(blob.findtext("Properties/Content-Length") or 0))
            times.append(stored.timestamp() if stored else 0.0)
            batch.tags.append(f"{_tag(blob)} {blob.findtext('Properties/Content-MD5') or ''}".strip())
        if batch.paths:
            yield batch
        if (marker := got.next) is None:
            return


def entry_of(folder: ItemId, batch: Batch, index: int) -> Entry:
    """The file that a row stands for. A row's tag is the ETag, and after a blank the MD5 where there is one."""
    item = ItemId(folder + batch.paths[index])
    above, name = split(item)
    tag, _, md5 = (batch.tags[index] or "").partition(" ")
    stored = datetime.fromtimestamp(batch.stored[index], UTC)
    return Entry(
        item, above, name, Kind.FILE, batch.sizes[index], None, entries.md5_of(md5), version=tag, stored=stored
    )


async def answer(session: Session, folder: str, after: str | None, *, delimiter: bool, limit: int = PAGE) -> Listed:
    """One answer to a listing."""
    query = {"restype": "container", "comp": "list", "maxresults": str(limit), "include": "metadata"}
    if prefix := session.where.base + folder:
        query["prefix"] = prefix
    if delimiter:
        query["delimiter"] = "/"
    if after:
        query["marker"] = after
    got = await session.ask("GET", session.where.path, query, item=folder or None)
    root = parse(got.body)
    blobs = root.find("Blobs")
    inside = list(blobs) if blobs is not None else []
    return Listed(
        [e for e in inside if e.tag == "Blob"],
        [name_of(e) for e in inside if e.tag == "BlobPrefix"],
        root.findtext("NextMarker") or None,
    )


def name_of(element: Element) -> str:
    """The name of a blob or prefix. Names that XML cannot hold come percent-encoded, and marked so."""
    name = element.find("Name")
    if name is None:
        return ""
    text = name.text or ""
    return unquote(text) if name.get("Encoded") == "true" else text


def _file(item: ItemId, blob: Element) -> Entry:
    folder, name = split(item)
    told = blob.find("Metadata")
    metadata = entries.decoded({e.tag: e.text or "" for e in told}) if told is not None else {}
    modified = entries.time_of(metadata.pop(entries.MTIME, None))
    if item.endswith("/") or name in ("", ".", ".."):
        kind, folder, name = Kind.OTHER, ItemId(item) if item.endswith("/") else folder, name or "/"
    else:
        kind = Kind.FILE
    return Entry(
        item,
        folder,
        name,
        kind,
        int(blob.findtext("Properties/Content-Length") or 0),
        modified,
        entries.md5_of(blob.findtext("Properties/Content-MD5")),
        version=_tag(blob) or None,
        stored=entries.http_date(blob.findtext("Properties/Last-Modified")),
        content_type=blob.findtext("Properties/Content-Type"),
        metadata=metadata,
    )


def _is_folder(blob: Element) -> bool:
    """Whether a blob without a slash stands for a folder, as in accounts with a hierarchical namespace."""
    marked = (blob.findtext(f"Metadata/{entries.FOLDER}") or blob.findtext("Properties/ResourceType")) in (
        "true",
        "directory",
    )
    return marked and not name_of(blob).endswith("/")


def _tag(blob: Element) -> str:
    return (blob.findtext("Properties/Etag") or "").strip('"')
