"""The memory connector: the smallest one that passes the conformance suite."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count

from mover.connectors._kit.bodies import BytesDownload, collected
from mover.connectors._kit.paths import child
from mover.connectors.memory.spec import SPEC
from mover.core.connector import NOTHING
from mover.core.errors import Changed, Conflict, NotFound
from mover.core.model import Algorithm, Attributes, Body, Cursor, Digest, Download, Entry, ItemId, Kind, Page
from mover.core.options import Options
from mover.core.spec import Cap

ROOT = Entry(ItemId("0"), None, "", Kind.FOLDER)


class Memory:
    """Files and folders in two tables. Ids are numbers, so that nobody takes them for paths."""

    caps: Cap = SPEC.caps

    def __init__(self) -> None:
        self._ids = count(1)
        self._entries: dict[ItemId, Entry] = {ROOT.id: ROOT}
        self._children: dict[ItemId, dict[str, ItemId]] = {}
        self._data: dict[ItemId, bytes] = {}

    async def root(self) -> Entry:
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        self._known(folder)
        return Page(tuple(self._entries[id_] for id_ in self._children.get(folder, {}).values()))

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        entry = self._known(item.id)
        if item.version not in (None, entry.version):
            raise Changed("it was replaced since it was listed", item=item.id)
        yield BytesDownload(entry, self._data[item.id][start:end])

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        child(ItemId(""), name)
        self._known(folder)
        data = await collected(body, name)
        old = self._at(folder, name)
        if old is not None and old.kind is not Kind.FILE:
            raise Conflict("a folder stands there", item=name)
        id_ = old.id if old else ItemId(str(next(self._ids)))
        digest = Digest("md5", hashlib.md5(data, usedforsecurity=False).digest())
        entry = Entry(
            id_,
            folder,
            name,
            Kind.FILE,
            len(data),
            attributes.modified,
            (digest,),
            version=str(next(self._ids)),
            content_type=attributes.content_type,
            metadata=attributes.metadata,
        )
        self._entries[id_], self._data[id_] = entry, data
        self._children.setdefault(folder, {})[name] = id_
        return entry

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        child(ItemId(""), name)
        self._known(folder)
        if old := self._at(folder, name):
            if old.kind is not Kind.FOLDER:
                raise Conflict("a file stands there", item=name)
            return old
        entry = Entry(ItemId(str(next(self._ids))), folder, name, Kind.FOLDER)
        self._entries[entry.id] = entry
        self._children.setdefault(folder, {})[name] = entry.id
        return entry

    async def remove(self, item: ItemId) -> None:
        entry = self._entries.get(item)
        if entry and entry.kind is Kind.FOLDER and any(e.parent == item for e in self._entries.values()):
            raise Conflict("the folder is not empty", item=item)
        if entry := self._entries.pop(item, None):
            self._data.pop(item, None)
            if entry.parent is not None:
                self._children[entry.parent].pop(entry.name, None)

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        old = self._known(item)
        if (standing := self._at(folder, name)) and standing.id != item:
            await self.remove(standing.id)
        entry = replace(old, parent=folder, name=name)
        if old.parent is not None:
            self._children[old.parent].pop(old.name, None)
        self._entries[item] = entry
        self._children.setdefault(folder, {})[name] = item
        return entry

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        self._entries[item] = replace(self._known(item), modified=modified)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return SPEC.digests

    def _known(self, item: ItemId) -> Entry:
        try:
            return self._entries[item]
        except KeyError:
            raise NotFound("no such item", item=item) from None

    def _at(self, folder: ItemId, name: str) -> Entry | None:
        id_ = self._children.get(folder, {}).get(name)
        return None if id_ is None else self._entries[id_]


@asynccontextmanager
async def connect(_: Options) -> AsyncGenerator[Memory]:
    """A fresh, empty account."""
    yield Memory()
