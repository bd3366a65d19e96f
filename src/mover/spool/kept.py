"""Files that are at hand as a whole: sealed in one call, opened in one call."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Final, Protocol, Self

from mover.core.model import Algorithm, Body, Digest
from mover.crypto.aead import new_key
from mover.crypto.digests import digests_of
from mover.crypto.streaming import Stream, sealed_size
from mover.spool.bodies import WholeBody
from mover.spool.disk import Disk
from mover.spool.errors import SpoolGone
from mover.spool.pieces import Piece
from mover.spool.room import Room
from mover.spool.slots import Slots

SMALL: Final = 64 << 10
"""Files of up to so many bytes are sealed and opened without leaving the event loop: a thread would cost more."""

SMALL_SLOT: Final = SMALL + 4096
"""Bytes of a slot for a small file: a page more than the file, for header and tag."""

if sealed_size(SMALL) > SMALL_SLOT:
    raise ValueError("a small file does not fit its slot")


class Kept(Protocol):
    """A file in the spool, complete. `release`, or leaving its context, drops the key, which erases it."""

    @property
    def size(self) -> int: ...

    @property
    def digests(self) -> tuple[Digest, ...]: ...

    async def read(self) -> bytes:
        """The file's bytes, read back from the disk and opened.

        Raises:
            SpoolGone: it was released.
            Sealed: the disk gave back other bytes than it was given.
        """
        ...

    async def body(self) -> Body:
        """The same as a body that knows its digests."""
        ...

    def release(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Kept:
    """What both kinds share."""

    __slots__ = ("digests", "size")

    def __init__(self, size: int, digests: tuple[Digest, ...]) -> None:
        self.size = size
        self.digests = digests

    async def read(self) -> bytes:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    async def body(self) -> Body:
        return WholeBody(await self.read(), self.digests)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class SmallKept(_Kept):
    """A file of at most `SMALL` bytes, in one small slot that is reserved for it."""

    __slots__ = ("_disk", "_piece", "_plain", "_slots", "_stream")

    def __init__(
        self,
        slots: Slots,
        disk: Disk,
        data: bytes,
        context: bytes,
        algorithms: Iterable[Algorithm],
        *,
        hand_on: bool,
    ) -> None:
        """With `hand_on` the first reader gets the bytes from memory; else, and every later one, from the disk."""
        super().__init__(len(data), digests_of(data, algorithms))
        self._slots, self._disk = slots, disk
        stream = Stream(new_key(), context)
        self._piece = Piece(0, slots.take(), 0, last=True)
        try:
            disk.seal(stream, self._piece, data)
        except BaseException:
            slots.put(self._piece.offset)
            raise
        self._stream: Stream | None = stream
        self._plain: bytes | None = data if hand_on else None

    async def read(self) -> bytes:
        if self._stream is None:
            raise SpoolGone("the file was released from the spool")
        if self._plain is not None:
            plain, self._plain = self._plain, None
            return plain
        return self._disk.open(self._stream, self._piece)

    def release(self) -> None:
        if self._stream is not None:
            self._stream = self._plain = None
            self._slots.put(self._piece.offset)
            self._slots.unreserve(1)


class RoomKept(_Kept):
    """A larger file, in a room that keeps all of it."""

    __slots__ = ("_room",)

    def __init__(self, room: Room, size: int) -> None:
        super().__init__(size, room.digests)
        self._room = room

    async def read(self) -> bytes:
        return await self._room.slice(0, self.size)

    def release(self) -> None:
        self._room.release()
