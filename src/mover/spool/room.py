"""A file on its way through the spool, in segments: written once in order, read behind the writer as often as needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from mover.core.errors import Damaged, MoverError, Unsupported
from mover.core.model import Algorithm, Body, Digest
from mover.core.threads import Threads
from mover.crypto.aead import new_key
from mover.crypto.digests import Hashers
from mover.crypto.streaming import Stream, begin, capacity, place, segments
from mover.spool.bodies import RoomBody
from mover.spool.disk import Disk, already
from mover.spool.errors import SpoolGone
from mover.spool.parts import Parts
from mover.spool.pieces import Memory, Piece, Pieces
from mover.spool.slots import Slots


class Room:
    """The place of one file in the spool.

    One task writes, any number read. At most `window` segments of 1 MiB are kept: the writer waits while all of them are
    still needed. A file that fits is kept whole until `release`, so it can be sent again and again; of a longer one, what
    was confirmed is dropped to make place. `release` (or leaving the context) drops the key, which erases the file.
    """

    def __init__(
        self,
        slots: Slots,
        disk: Disk,
        threads: Threads,
        memory: Memory,
        *,
        context: bytes,
        size: int | None,
        window: int,
        algorithms: Iterable[Algorithm],
    ) -> None:
        """Made by `Spool.room` only: `window` slots of `slots` are reserved for it."""
        self.size = size
        self.window = window
        self.digests: tuple[Digest, ...] = ()
        self._disk, self._threads = disk, threads
        self._hashers = Hashers(algorithms)
        self._stream: Stream | None = Stream(new_key(), context)
        self._memory = memory
        self._pieces = Pieces(slots, window, memory)
        self._parts = Parts()
        self._taken = 0  # bytes given to write
        self._next = 0  # the segment to be sealed next
        self._confirmed = 0
        self._closed = False
        self._sealing: asyncio.Future[bytes] | None = None
        self._error: BaseException | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def keeps_all(self) -> bool:
        """Whether the whole file stays readable until `release`."""
        return self.size is not None and segments(self.size) <= self.window

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    async def write(self, data: bytes) -> None:
        """Take in the next bytes; waits while the window is full of segments that nobody has confirmed.

        Raises:
            Damaged: these are more bytes than the file was said to have.
            SpoolFull, SpoolFailed: the disk did not take an earlier segment.
            SpoolGone: the room was released.
        """
        self._open_for_writing()
        self._taken += len(data)
        if self.size is not None and self._taken > self.size:
            raise self.fail(Damaged(f"expected {self.size} bytes, got more"))
        self._parts.add(data)
        while self._parts.size > capacity(
            self._next
        ):  # the last segment is sealed by close, which knows it is the last
            await self._seal(last=False)

    async def close(self) -> tuple[Digest, ...]:
        """Seal the rest, and tell the digests of the whole file. Readers see the end only now.

        Raises:
            Damaged: these are fewer bytes than the file was said to have.
            SpoolFull, SpoolFailed, SpoolGone: as `write`.
        """
        self._open_for_writing()
        if self.size is not None and self._taken != self.size:
            raise self.fail(Damaged(f"expected {self.size} bytes, got {self._taken}"))
        await self._seal(last=True)
        await self._settled()
        self.digests = self._hashers.digests()
        self.size, self._closed = self._taken, True
        self._wake()
        return self.digests

    def fail(self, error: MoverError) -> MoverError:
        """The rest will not come: readers get `error` in its place. The first error stays. Returns its argument."""
        if self._error is None and not self._closed:
            self._error = error
            self._wake()
        return error

    async def chunks(self, start: int = 0, end: int | None = None, *, consuming: bool = False) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`, following the writer, in pieces of at most 1 MiB.

        With `consuming` what was handed out is confirmed when the next piece is asked for. Without it somebody must call
        `confirm`, or the writer of a file longer than the window waits for ever.

        Raises:
            SpoolGone: that part was dropped, or the room was released.
            Sealed: the disk gave back other bytes than it was given.
            MoverError: whatever the writer failed with, after the last piece it had written.
        """
        (index, skip), at = place(start), start
        ahead: asyncio.Future[bytes] | None = None
        while (end is None or at < end) and (piece := await self._piece(index)):
            reading = ahead or self._read([piece])
            ahead = self._read_ahead(index + 1, end)
            data = await asyncio.shield(reading)
            self._there()
            data = data[skip : None if end is None else skip + end - at]
            at, index, skip = at + len(data), index + 1, 0
            if data:
                yield data
            if consuming:
                self.confirm(at)

    async def slice(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`, when they have been written; fewer if the file ends before.

        Raises:
            Unsupported: the window is too small to hold them together.
            SpoolGone, Sealed, MoverError: as `chunks`.
        """
        if length <= 0:
            return b""
        (first, skip), (final, _) = place(start), place(start + length - 1)
        if final - first >= self.window:
            raise Unsupported(f"{length} bytes do not fit in a window of {self.window} segments")
        await self._piece(final)
        pieces = [piece for index in range(first, final + 1) if (piece := await self._piece(index))]
        data = await asyncio.shield(self._read(pieces))
        self._there()
        return data[skip : skip + length]

    def body(self, start: int = 0, end: int | None = None) -> Body:
        """The bytes from `start` up to `end` as a body, which can be read again as long as they are kept.

        Reading the whole of a file longer than the window confirms it piece by piece; reading a part never does.
        """
        return RoomBody(self, start, end)

    def confirm(self, up_to: int) -> None:
        """Nothing before byte `up_to` will be asked for again: its segments may be dropped to make place."""
        self._confirmed = max(self._confirmed, up_to)
        if self.size is not None and not self.keeps_all:
            while self._drop_confirmed():
                pass
        self._wake()

    def sealed(self) -> bytes:
        """The whole file as it lies on the disk, in Tink's format: for proofs; it reads in this very thread.

        Raises:
            SpoolGone: it is not closed yet, or not all there any more.
        """
        if self._stream is None or not self._closed or self._pieces.first:
            raise SpoolGone("the sealed file is not there as a whole")
        return b"".join([bytes(self._disk.raw(piece)) for piece in self._pieces.all()])

    def release(self) -> None:
        """Drop the key and give the slots back; whoever still reads or writes gets `SpoolGone`. May be called again."""
        if self._stream is None:
            return
        self._stream = self._sealing = None
        self._parts.clear()
        self._pieces.close()
        self._wake()

    def _there(self) -> Stream:
        if self._stream is None:
            raise SpoolGone("the file was released from the spool")
        return self._stream

    def _sound(self) -> Stream:
        stream = self._there()
        if self._error is not None:
            raise self._error
        return stream

    def _open_for_writing(self) -> None:
        if self._closed:
            raise Unsupported("the room is closed: nothing can be written to it any more")
        self._sound()

    async def _seal(self, *, last: bool) -> None:
        """Begin to seal the next segment; returns when it is under way."""
        await self._settled()
        while self._pieces.full:
            if not self._drop_confirmed():
                await self._change()
                self._sound()
        stream, piece = self._sound(), self._pieces.new(self._next, last=last)
        self._next += 1
        parts = self._parts.cut(capacity(piece.index))
        self._sealing = self._threads.start(self._disk.seal_hashed, stream, piece, parts, self._hashers)
        self._sealing.add_done_callback(lambda done: self._sealed(piece, done))

    def _sealed(self, piece: Piece, done: asyncio.Future[bytes]) -> None:
        error = done.exception()
        if error is None:
            self._memory.keep(piece, done.result())
            self._pieces.add(piece)
        else:
            self._error = self._error or error
            self._pieces.drop(piece)
        self._wake()

    async def _settled(self) -> None:
        """Wait until the segment before is on the disk: digests need the order, and two segments in memory are enough."""
        if self._sealing is not None:
            await asyncio.shield(self._sealing)
            self._sealing = None
        self._sound()

    async def _piece(self, index: int) -> Piece | None:
        """Segment `index` once it is written; `None` if the file ends before it."""
        while True:
            self._there()
            if found := self._pieces.get(index):
                return found
            if index < self._pieces.first:
                raise SpoolGone("that part of the file was dropped from the spool")
            if self._closed:
                return None
            self._sound()
            await self._change()

    def _read(self, pieces: list[Piece]) -> asyncio.Future[bytes]:
        """Begin to read pieces; they stay where they are until that is done."""
        if (plain := self._memory.take(pieces)) is not None:
            return already(plain)
        reading = self._threads.start(self._disk.open_all, self._there(), pieces)
        self._pieces.begin_read(pieces)
        reading.add_done_callback(lambda done: self._read_done(pieces, done))
        return reading

    def _read_ahead(self, index: int, end: int | None) -> asyncio.Future[bytes] | None:
        piece = self._pieces.get(index)
        return self._read([piece]) if piece and (end is None or begin(index) < end) else None

    def _read_done(self, pieces: list[Piece], done: asyncio.Future[bytes]) -> None:
        done.exception()  # seen: a read ahead may have nobody who waits for it
        self._pieces.end_read(pieces)
        self._wake()

    def _drop_confirmed(self) -> bool:
        piece = self._pieces.get(self._pieces.first)
        if piece is None or piece.last or begin(piece.index + 1) > self._confirmed:
            return False
        self._pieces.drop(piece)
        return True

    async def _change(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
