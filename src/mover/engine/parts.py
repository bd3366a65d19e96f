"""A large file on its way from the spool to the destination, in parts that can be sent again one by one, now or after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, cast

from mover.core.connector import Part, Upload, WritesParts
from mover.core.errors import Conflict, NotFound
from mover.core.model import Attributes, Digest, Entry, ItemId
from mover.engine.journal import Journal, KeptUpload
from mover.engine.planned import Planned
from mover.engine.side import Note, Side
from mover.spool.room import Room

SEGMENT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where an upload goes."""

    folder: ItemId
    name: str
    size: int
    attributes: Attributes


class PartedUpload:
    """One upload in parts. What the destination has is in the journal before the next part is counted on."""

    def __init__(self, destination: Side, journal: Journal, planned: Planned, version: str, note: Note) -> None:
        """`version` names the source's content; an upload of another one is not gone on with."""
        self._destination = destination
        self._connector = cast("WritesParts", destination.connector)
        self._journal = journal
        self._key = planned.key
        self._version = version
        self._note = note
        self._upload: Upload | None = None
        self._done: dict[int, Part] = {}
        self._unbroken = 0

    async def open(self, target: Target) -> int:
        """Begin, or go on with what an earlier pass began. Returns the byte from which the source is to be read."""
        self._upload = await self._resumed(target) or await self._begun(target)
        self._done = {part.number: part for part in self._upload.done}
        missing = self._missing()
        return missing[0] * self._upload.part_size if missing else target.size

    def window(self, most: int) -> int:
        """How many spool segments the parts on their way need, `most` at the most."""
        upload = self._opened()
        return min(most, max(2, self._at_once(most)) * (upload.part_size // SEGMENT_BYTES + 2))

    async def send(self, room: Room, start: int) -> None:
        """Send every missing part from the room, whose first byte is the file's byte `start`."""
        numbers = iter(self._missing())
        upload = self._opened()
        fits = room.window * SEGMENT_BYTES >= upload.part_size + 2 * SEGMENT_BYTES

        async def sender() -> None:
            for number in numbers:
                begin = number * upload.part_size - start
                end = min(begin + upload.part_size, upload.size - start)
                await self._send_one(room, number, begin, end, keep=fits)
                room.confirm(self._contiguous() * upload.part_size - start)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once(room.window) if fits else 1):
                group.create_task(sender())

    async def finish(self) -> Entry:
        """Make the file whole and visible."""
        upload = self._opened()
        parts = [self._done[number] for number in sorted(self._done)]
        entry = await self._destination.call(lambda: self._connector.finish(upload, parts), self._note)
        await self._journal.forget_upload(self._key)
        return entry

    async def abandon(self) -> None:
        """Drop what the destination has of it."""
        if self._upload is not None:
            upload = self._upload
            await self._destination.call(lambda: self._connector.abandon(upload), self._note)
        await self._journal.forget_upload(self._key)

    async def _resumed(self, target: Target) -> Upload | None:
        kept = await self._journal.upload_of(self._key)
        if kept is None:
            return None
        try:
            upload = await self._destination.call(lambda: self._connector.resume(kept.state), self._note)
        except (NotFound, Conflict):  # gone, or something else stands in its place
            return None
        said = {part.number: part.tag for part in kept.parts}
        if kept.version != self._version or upload.size != target.size or not _agree(said, upload.done):
            await self._destination.call(lambda: self._connector.abandon(upload), self._note)
            return None
        return upload

    async def _begun(self, target: Target) -> Upload:
        upload = await self._destination.call(
            lambda: self._connector.begin(target.folder, target.name, target.size, target.attributes), self._note
        )
        await self._journal.keep_upload(self._key, KeptUpload(upload.state, self._version, ()))
        return upload

    async def _send_one(self, room: Room, number: int, begin: int, end: int, *, keep: bool) -> None:
        upload = self._opened()

        body = PartBody(room, begin, end, keep=keep)
        # Outside the call: whoever waits for bytes must not hold the turn that another part's retry needs.
        await body.prepare()

        async def send() -> Part:
            return await self._connector.write_part(upload, number, body)

        done = await self._destination.call(send, self._note)
        self._done[number] = done
        await self._journal.keep_part(self._key, done)

    def _missing(self) -> list[int]:
        upload = self._opened()
        total = max(1, -(-upload.size // upload.part_size))
        return [number for number in range(total) if number not in self._done]

    def _contiguous(self) -> int:
        """How many parts from the first on are there."""
        while self._unbroken in self._done:
            self._unbroken += 1
        return self._unbroken

    def _at_once(self, window: int) -> int:
        upload = self._opened()
        room_for = (window * SEGMENT_BYTES) // (upload.part_size + 2 * SEGMENT_BYTES)
        return max(1, min(upload.at_once, room_for))

    def _opened(self) -> Upload:
        if self._upload is None:
            raise RuntimeError("the upload was not opened")
        return self._upload


WHOLE_PART: Final = 16 << 20
"""Parts up to this size are handed over in one piece; larger ones as a stream."""


class PartBody:
    """One part, from the spool. It can be sent again as long as it is kept there."""

    digests: tuple[Digest, ...] = ()

    def __init__(self, room: Room, begin: int, end: int, *, keep: bool) -> None:
        self._room = room
        self._begin, self._end = begin, end
        self._keep = keep
        self.size: int | None = end - begin
        self.whole: bytes | None = None

    async def prepare(self) -> None:
        """Have the bytes at hand, if they are few enough."""
        if self._keep and self._end - self._begin <= WHOLE_PART:
            self.whole = await self._room.slice(self._begin, self._end - self._begin)

    def chunks(self) -> AsyncIterator[bytes]:
        """The part's bytes; a part that is larger than the window is dropped from it while it is read."""
        return self._room.chunks(self._begin, self._end, consuming=not self._keep)


def _agree(said: dict[int, str], done: tuple[Part, ...]) -> bool:
    """Whether the destination still has, of what we know it had, the same."""
    return all(said.get(part.number, part.tag) == part.tag for part in done)
