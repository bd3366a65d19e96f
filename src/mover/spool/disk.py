"""Sealing to the spool's file and opening from it: blocking calls, and the threads that make them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from typing import Final, ParamSpec, TypeVar

from mover.core.errors import Sealed
from mover.crypto.digests import Hashers
from mover.crypto.streaming import SEGMENT, Stream
from mover.spool.errors import of
from mover.spool.pieces import Piece

P = ParamSpec("P")
R = TypeVar("R")

THREADS: Final = min(4, os.cpu_count() or 1)
"""How many threads seal and open."""


class Disk:
    """The spool's file. Every call blocks, releases the GIL for the work, and may run in any thread."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._local = threading.local()

    def seal(self, stream: Stream, piece: Piece, plain: bytes) -> None:
        """Write the segment where `piece` says, and set the piece's length.

        Raises:
            SpoolFull, SpoolFailed: the disk did not take it.
        """
        buffer = self._buffer()
        piece.length = stream.seal_into(piece.index, plain, buffer, last=piece.last)
        rest, at = buffer[: piece.length], piece.offset
        try:
            while rest:
                done = os.pwrite(self._file, rest, at)
                rest, at = rest[done:], at + done
        except OSError as error:
            raise of(error) from error

    def seal_hashed(self, stream: Stream, piece: Piece, parts: Sequence[bytes | memoryview], hashers: Hashers) -> bytes:
        """Join the parts, hash them and seal them: all that is done to a segment, in one call. Answers the joined parts."""
        plain = b"".join(parts)
        hashers.update(plain)
        self.seal(stream, piece, plain)
        return plain

    def open(self, stream: Stream, piece: Piece) -> bytes:
        """The plain bytes of the segment.

        Raises:
            Sealed: what the disk gives back is not what was written.
            SpoolFailed: the disk did not give it back.
        """
        return stream.open(piece.index, self.raw(piece), last=piece.last)

    def open_all(self, stream: Stream, pieces: Sequence[Piece]) -> bytes:
        """The plain bytes of several segments, joined."""
        return b"".join([self.open(stream, piece) for piece in pieces])

    def raw(self, piece: Piece) -> memoryview:
        """The sealed bytes; valid until the next call in the same thread."""
        buffer = self._buffer()[: piece.length]
        done = 0
        try:
            while done < piece.length:
                count = os.preadv(self._file, [buffer[done:]], piece.offset + done)
                if not count:
                    raise Sealed("the spool's file is shorter than what was written to it")
                done += count
        except OSError as error:
            raise of(error) from error
        return buffer

    def _buffer(self) -> memoryview:
        found: memoryview | None = getattr(self._local, "buffer", None)
        if found is None:
            found = self._local.buffer = memoryview(bytearray(SEGMENT))
        return found


def already(result: R) -> asyncio.Future[R]:
    """A call whose result is at hand."""
    future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
