"""A connector with every capability, kept in memory: the honest one that the checks must pass, and that is broken on purpose."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import reduce
from itertools import count
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, collected
from mover.connectors._kit.paths import ROOT, child, name_of, parent_of
from mover.connectors.memory.spec import SPEC as MEMORY
from mover.core.connector import NOTHING, OPTIONAL, Part, Upload
from mover.core.errors import Changed, Conflict, Damaged, NotFound, Refused
from mover.core.model import (
    Algorithm,
    Attributes,
    Batch,
    Body,
    Cursor,
    Digest,
    Download,
    Entry,
    ItemId,
    Kind,
    Page,
    Quota,
)

SPEC: Final = replace(MEMORY, caps=reduce(operator.or_, OPTIONAL, MEMORY.caps))

PART: Final = 256 * 1024


class Complete:
    """Ids are paths; folders are those that were made and those that files imply."""

    def __init__(self) -> None:
        self.caps = SPEC.caps
        self.page = 500
        self.entries: dict[str, Entry] = {}
        self.data: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[ItemId, str, int, Attributes, dict[int, bytes]]] = {}
        self._count = count(1)

    async def root(self) -> Entry:
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        self._expect_folder(folder)
        found = {e.id: e for e in self.entries.values() if e.parent == folder}
        below = f"{folder}/" if folder else ""
        for path in self.entries:
            rest = path.removeprefix(below)
            if path.startswith(below) and "/" in rest:
                implied = child(folder, rest.partition("/")[0])
                found.setdefault(implied, Entry(implied, folder, name_of(implied), Kind.FOLDER))
        start = int(after or 0)
        chosen = tuple(found.values())[start : start + self.page]
        more = start + self.page < len(found)
        return Page(chosen, Cursor(str(start + self.page)) if more else None)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        entry = self.file(item.id)
        if item.version not in (None, entry.version):
            raise Changed("it was replaced", item=item.id)
        yield BytesDownload(entry, self.data[item.id][start:end])

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        item = child(folder, name)
        self._expect_no(item, Kind.FOLDER)
        return self.store(folder, name, await collected(body, name), attributes)

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        item = child(folder, name)
        self._expect_no(item, Kind.FILE)
        return self.entries.setdefault(item, Entry(item, folder, name, Kind.FOLDER))

    async def remove(self, item: ItemId) -> None:
        if any(path.startswith(f"{item}/") for path in self.entries):
            raise Conflict("it is not empty", item=item)
        self.entries.pop(item, None)
        self.data.pop(item, None)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return SPEC.digests

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        self.known(item)
        new = child(folder, name)
        for path in [p for p in self.entries if p == item or p.startswith(f"{item}/")]:
            moved = ItemId(new + path.removeprefix(item))
            entry = replace(self.entries.pop(path), id=moved, parent=parent_of(moved), name=name_of(moved))
            self.entries[moved] = entry
            if path in self.data:
                self.data[moved] = self.data.pop(path)
        return self.known(new)

    async def copy_inside(self, item: Entry, folder: ItemId, name: str, attributes: Attributes = NOTHING) -> Entry:
        return self.store(folder, name, self.data[item.id], attributes)

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        self.entries[item] = replace(self.known(item), modified=modified)

    async def list_deep(self, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
        del after
        paths = sorted(p.removeprefix(f"{folder}/") for p in self.data if p.startswith(f"{folder}/"))
        for at in range(0, len(paths), 3):
            some = paths[at : at + 3]
            yield Batch(some, [len(self.data[f"{folder}/{p}"]) for p in some], [0.0 for _ in some])

    def entry_of(self, folder: ItemId, batch: Batch, index: int) -> Entry:
        return self.known(f"{folder}/{batch.paths[index]}")

    async def find(self, path: str) -> Entry:
        return self.known(path)

    async def describe(self, item: Entry) -> Entry:
        return self.known(item.id)

    def folder_at(self, folder: ItemId, name: str) -> ItemId:
        return child(folder, name)

    async def quota(self) -> Quota:
        return Quota(10, 100, 90)

    def part_size(self, size: int) -> int | None:
        return PART if size > PART else None

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        state = str(next(self._count))
        self.uploads[state] = (folder, name, size, attributes, {})
        return Upload(state, size, PART, 3)

    async def resume(self, state: str) -> Upload:
        if state not in self.uploads:
            raise NotFound("no such upload")
        _, _, size, _, parts = self.uploads[state]
        return Upload(state, size, PART, 3, tuple(Part(n, len(data), "") for n, data in sorted(parts.items())))

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        data = await collected(body, "part")
        if len(data) != min(PART, upload.size - number * PART):
            raise Damaged("a part of another size")
        self.uploads[upload.state][4][number] = data
        return Part(number, len(data), "")

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        folder, name, size, attributes, sent = self.uploads[upload.state]
        data = b"".join(sent[part.number] for part in parts)
        if len(data) != size:
            raise Refused("parts are missing", item=name)
        del self.uploads[upload.state]
        return self.store(folder, name, data, attributes)

    async def abandon(self, upload: Upload) -> None:
        self.uploads.pop(upload.state, None)

    def store(self, folder: ItemId, name: str, data: bytes, attributes: Attributes = NOTHING) -> Entry:
        """Put a file in its place."""
        item = child(folder, name)
        digest = Digest("md5", hashlib.md5(data, usedforsecurity=False).digest())
        entry = Entry(item, folder, name, Kind.FILE, len(data), attributes.modified, (digest,), str(next(self._count)))
        entry = replace(entry, content_type=attributes.content_type, metadata=attributes.metadata)
        self.entries[item], self.data[item] = entry, data
        return entry

    def known(self, item: str) -> Entry:
        """What stands there. Raises `NotFound`."""
        if item not in self.entries:
            raise NotFound("no such item", item=item)
        return self.entries[item]

    def file(self, item: str) -> Entry:
        """The file that stands there. Raises `NotFound`."""
        if item not in self.data:
            raise NotFound("no such file", item=item)
        return self.entries[item]

    def _expect_no(self, item: ItemId, kind: Kind) -> None:
        if item in self.entries and self.entries[item].kind is kind:
            raise Conflict(f"a {kind.value} stands there", item=item)

    def _expect_folder(self, folder: ItemId) -> None:
        if folder and folder not in self.entries and not any(p.startswith(f"{folder}/") for p in self.entries):
            raise NotFound("no such folder", item=folder)
