"""Bodies made from the spool: they can be read more than once, from any offset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from mover.core.model import Digest


class Filled(Protocol):
    """What a body needs of a room."""

    size: int | None
    digests: tuple[Digest, ...]

    def chunks(self, start: int, end: int | None, *, consuming: bool) -> AsyncIterator[bytes]: ...


class WholeBody:
    """A small file, opened from the spool in one go."""

    def __init__(self, data: bytes, digests: tuple[Digest, ...]) -> None:
        self.size: int | None = len(data)
        self.whole: bytes | None = data
        self.digests = digests

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in one piece."""
        if self.whole:
            yield self.whole


class RoomBody:
    """The bytes of a room from `start` up to `end` (`None`: to its end), following the room's writer."""

    whole: bytes | None = None

    def __init__(self, room: Filled, start: int, end: int | None) -> None:
        self._room, self._start, self._end = room, start, end

    @property
    def size(self) -> int | None:
        """Bytes, `None` while the writer does not know it."""
        whole = self._room.size
        if self._end is None:
            return None if whole is None else max(0, whole - self._start)
        return max(0, (self._end if whole is None else min(self._end, whole)) - self._start)

    @property
    def digests(self) -> tuple[Digest, ...]:
        """Those of the whole file, if this is the whole file and it is closed."""
        return self._room.digests if self._is_whole else ()

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes; see `Room.chunks`."""
        return self._room.chunks(self._start, self._end, consuming=self._is_whole)

    @property
    def _is_whole(self) -> bool:
        return self._start == 0 and (self._end is None or self._end == self._room.size)
