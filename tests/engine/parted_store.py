"""A destination in memory that takes large files in parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mover.connectors._kit.bodies import BytesDownload, collected
from mover.connectors.memory.client import Memory
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import MoverError, NotFound
from mover.core.model import Attributes, Body, Entry, ItemId
from mover.core.spec import Cap


class PartedStore(Memory):
    """Takes every file of more than one part in parts. `fault` is asked before each, by its number, what goes wrong."""

    caps = Memory.caps | Cap.PARTS

    def __init__(
        self, part_size: int, *, at_once: int, fault: Callable[[int], MoverError | None] = lambda _: None
    ) -> None:
        super().__init__()
        self.written: list[int] = []
        self._part_size = part_size
        self._at_once = at_once
        self._fault = fault
        self._begun: dict[str, tuple[ItemId, str, int, Attributes]] = {}
        self._parts: dict[tuple[str, int], bytes] = {}

    def part_size(self, size: int) -> int | None:
        return self._part_size if size > self._part_size else None

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        state = f"{folder}/{name}"
        self._begun[state] = (folder, name, size, attributes)
        return Upload(state, size, self._part_size, self._at_once)

    async def resume(self, state: str) -> Upload:
        if state not in self._begun:
            raise NotFound("no such upload")
        done = [Part(number, len(data), "") for (of, number), data in self._parts.items() if of == state]
        return Upload(state, self._begun[state][2], self._part_size, self._at_once, tuple(done))

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        if (problem := self._fault(number)) is not None:
            raise problem
        data = await collected(body, upload.state)
        self._parts[upload.state, number] = data
        self.written.append(number)
        return Part(number, len(data), "")

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        folder, name, _, attributes = self._begun.pop(upload.state)
        data = b"".join([self._parts.pop((upload.state, part.number)) for part in parts])
        root = await self.root()
        return await self.write(folder, name, BytesDownload(root, data), attributes)

    async def abandon(self, upload: Upload) -> None:
        self._begun.pop(upload.state, None)
        for key in [key for key in self._parts if key[0] == upload.state]:
            del self._parts[key]
