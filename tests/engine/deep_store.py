"""An object store of a test's own: keys, a listing in pages of two, and faults in it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from mover.connectors._kit.bodies import BytesDownload
from mover.core.model import Algorithm, Attributes, Batch, Body, Cursor, Digest, Download, Entry, ItemId, Kind, Page
from mover.core.spec import Cap

PAGE = 2


class DeepStore:
    """Lists everything in one stream, as a bucket does. `fault` is asked before each page, by its number, what goes wrong."""

    caps = Cap.DEEP_LISTING | Cap.IMPLIED_FOLDERS | Cap.EMPTY_FILES | Cap.EMPTY_FOLDERS

    def __init__(self, objects: dict[str, bytes], fault: Callable[[int], Exception | None] = lambda _: None) -> None:
        self.objects = dict(objects)
        self.fault = fault

    async def root(self) -> Entry:
        return Entry(ItemId(""), None, "", Kind.FOLDER)

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        del after
        inside = sorted(key[len(folder) :] for key in self.objects if key.startswith(folder) and key != folder)
        folders = {name.partition("/")[0] for name in inside if "/" in name}
        found = [Entry(ItemId(f"{folder}{name}/"), folder, name, Kind.FOLDER) for name in sorted(folders)]
        return Page((*found, *(self._file(ItemId(folder + name)) for name in inside if "/" not in name)))

    async def list_deep(self, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
        del folder
        keys = [key for key in sorted(self.objects) if key > after]
        for number, at in enumerate(range(0, len(keys), PAGE), 1):
            if (problem := self.fault(number)) is not None:
                raise problem
            some = keys[at : at + PAGE]
            values = [self.objects[key] for key in some]
            tags: list[str | None] = [_md5(value).hex() for value in values]
            yield Batch(some, [len(value) for value in values], [0.0] * len(some), tags)

    def entry_of(self, folder: ItemId, batch: Batch, index: int) -> Entry:
        key = ItemId(folder + batch.paths[index])
        if key.endswith("/"):
            return Entry(key, folder, "/", Kind.OTHER if batch.sizes[index] else Kind.FOLDER)
        return self._file(key)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        yield BytesDownload(item, self.objects[item.id][start:end])

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes) -> Entry:
        del attributes
        self.objects[folder + name] = body.whole or b""
        return self._file(ItemId(folder + name))

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        self.objects[f"{folder}{name}/"] = b""
        return Entry(ItemId(f"{folder}{name}/"), folder, name, Kind.FOLDER)

    async def remove(self, item: ItemId) -> None:
        self.objects.pop(item, None)

    def folder_at(self, folder: ItemId, name: str) -> ItemId:
        return ItemId(f"{folder}{name}/")

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        del size
        return frozenset({"md5"})

    def _file(self, key: ItemId) -> Entry:
        data = self.objects[key]
        above, _, name = key.rpartition("/")
        digest = Digest("md5", _md5(data))
        return Entry(key, ItemId(f"{above}/" if above else ""), name, Kind.FILE, len(data), None, (digest,), digest.hex)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
