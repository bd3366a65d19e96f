"""A connector that fails on purpose: each fault names a method, which of its calls fail, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mover.core.connector import NOTHING, Connector
from mover.core.errors import MoverError
from mover.core.model import Attributes, Body, Cursor, Download, Entry, ItemId, Page
from mover.core.spec import Cap


@dataclass
class Faults:
    """`script[method]` decides, from the number of the call (1 is the first) and what it is about, whether and how it fails."""

    script: dict[str, Callable[[int, str], MoverError | None]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def strike(self, method: str, about: str) -> None:
        self.calls[method] += 1
        make = self.script.get(method)
        if make is not None and (error := make(self.calls[method], about)) is not None:
            raise error


class Faulty:
    """Wraps a connector. `spoil(item name, bytes)` may change what is read; `written` hears of every write that went through."""

    def __init__(self, inner: Connector, faults: Faults, spoil: Callable[[str, bytes], bytes] | None = None) -> None:
        self._inner = inner
        self.faults = faults
        self._spoil = spoil
        self.written: list[str] = []
        self.caps: Cap = inner.caps & (
            Cap.RANGED_READ | Cap.EMPTY_FILES | Cap.EMPTY_FOLDERS | Cap.KEEPS_MODIFIED | Cap.KEEPS_METADATA
        )

    async def root(self) -> Entry:
        self.faults.strike("root", "")
        return await self._inner.root()

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        self.faults.strike("list", folder)
        return await self._inner.list(folder, after)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        self.faults.strike("read", item.name)
        async with self._inner.read(item, start=start, end=end) as body:
            yield body if self._spoil is None else Spoilt(body, item.name, self._spoil)

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        self.faults.strike("write", name)
        entry = await self._inner.write(folder, name, body, attributes)
        self.written.append(name)
        self.faults.strike("written", name)
        return entry

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        self.faults.strike("make_folder", name)
        return await self._inner.make_folder(folder, name)

    async def remove(self, item: ItemId) -> None:
        self.faults.strike("remove", item)
        await self._inner.remove(item)

    def algorithms(self, size: int | None) -> frozenset[Any]:
        return self._inner.algorithms(size)


class Spoilt:
    """A download whose bytes are changed on the way."""

    def __init__(self, body: Download, name: str, spoil: Callable[[str, bytes], bytes]) -> None:
        self.entry = body.entry
        self.size = body.size
        self.digests = body.digests
        self.whole = None
        self._body = body
        self._name = name
        self._spoil = spoil

    async def chunks(self) -> AsyncIterator[bytes]:
        data = self._body.whole
        if data is None:
            data = b"".join([chunk async for chunk in self._body.chunks()])
        yield self._spoil(self._name, data)
