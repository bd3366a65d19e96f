"""The sealed segments of one file: where they lie, who reads them, which are gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mover.spool.slots import Slots


@dataclass(slots=True)
class Piece:
    """A sealed segment: `offset` and `length` are bytes of the spool's file.

    `readers` counts the reads under way; the slot of a piece that is `dropped` goes back when the last of them is done.
    """

    index: int
    offset: int
    length: int
    last: bool
    readers: int = 0
    dropped: bool = False
    plain: bytes | None = None


class Memory:
    """How many segments of a spool may wait in memory, opened, for their first reader."""

    def __init__(self, most: int) -> None:
        self._left = most

    def keep(self, piece: Piece, plain: bytes) -> None:
        """Keep the segment's plain bytes if there is room for them."""
        if self._left:
            self._left -= 1
            piece.plain = plain

    def take(self, pieces: Sequence[Piece]) -> bytes | None:
        """The plain bytes of all of these, which are forgotten by this; `None` if any of them is not in memory."""
        kept = [piece.plain for piece in pieces if piece.plain is not None]
        if len(kept) < len(pieces):
            return None
        for piece in pieces:
            self.forget(piece)
        return b"".join(kept)

    def forget(self, piece: Piece) -> None:
        """Keep the segment no longer."""
        if piece.plain is not None:
            piece.plain = None
            self._left += 1


class Pieces:
    """The segments of one room, in up to `window` slots that are reserved for it."""

    def __init__(self, slots: Slots, window: int, memory: Memory) -> None:
        self.first = 0
        """The first segment that was not dropped."""
        self._slots = slots
        self._memory = memory
        self._window = window
        self._held = 0
        self._written: dict[int, Piece] = {}
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether every slot is in use."""
        return self._held >= self._window

    def new(self, index: int, *, last: bool) -> Piece:
        """A place for a segment that is about to be written; there must be one."""
        self._held += 1
        return Piece(index, self._slots.take(), 0, last)

    def add(self, piece: Piece) -> None:
        """The segment was written."""
        self._written[piece.index] = piece
        if self._closed:
            self.drop(piece)

    def get(self, index: int) -> Piece | None:
        """The segment, if it is written and not dropped."""
        return self._written.get(index)

    def all(self) -> list[Piece]:
        """Every segment that is there, in order."""
        return sorted(self._written.values(), key=lambda p: p.index)

    def drop(self, piece: Piece) -> None:
        """The segment is needed no more."""
        piece.dropped = True
        self._memory.forget(piece)
        if self._written.pop(piece.index, None) and piece.index == self.first:
            self.first += 1
        if not piece.readers:
            self._give_back(piece)

    def begin_read(self, pieces: Iterable[Piece]) -> None:
        """Keep the slots of these as they are, even if they are dropped, until `end_read`."""
        for piece in pieces:
            piece.readers += 1

    def end_read(self, pieces: Iterable[Piece]) -> None:
        """A read of these is over."""
        for piece in pieces:
            piece.readers -= 1
            if piece.dropped and not piece.readers:
                self._give_back(piece)

    def close(self) -> None:
        """Give everything back: at once what is idle, the rest when its write or read is over."""
        self._closed = True
        self._slots.unreserve(self._window - self._held)
        for piece in self.all():
            self.drop(piece)

    def _give_back(self, piece: Piece) -> None:
        self._slots.put(piece.offset)
        self._held -= 1
        if self._closed:
            self._slots.unreserve(1)
