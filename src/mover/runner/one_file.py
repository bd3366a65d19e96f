"""A source of which only one file is to be seen: `mover copy name:folder/file` must not list the whole folder."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import cast

from mover.core.connector import NOTHING, Connector, Describes, Finds
from mover.core.errors import Unsupported
from mover.core.model import Algorithm, Attributes, Body, Cursor, Download, Entry, ItemId, Page
from mover.core.spec import Cap


class OneFile:
    """A view of a connector in which every folder holds this one file. It is for reading."""

    def __init__(self, inner: Connector, file: Entry) -> None:
        self._inner = inner
        self._file = file
        self.caps: Cap = inner.caps & (Cap.RANGED_READ | Cap.FIND | Cap.DESCRIBE | Cap.LINKS)

    async def root(self) -> Entry:
        return await self._inner.root()

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:  # the protocol's
        return Page((self._file,))

    def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AbstractAsyncContextManager[Download]:
        return self._inner.read(item, start=start, end=end)

    async def write(
        self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING
    ) -> Entry:  # the protocol's
        raise Unsupported("a single file is a source only")

    async def make_folder(self, folder: ItemId, name: str) -> Entry:  # the protocol's
        raise Unsupported("a single file is a source only")

    async def remove(self, item: ItemId) -> None:  # the protocol's
        raise Unsupported("a single file is a source only")

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return self._inner.algorithms(size)

    async def find(self, path: str) -> Entry:
        return await cast("Finds", self._inner).find(path)

    async def describe(self, item: Entry) -> Entry:
        return await cast("Describes", self._inner).describe(item)
