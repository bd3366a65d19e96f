"""A large file on its way from the source into the spool, and the body that lets it out again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from mover.core.errors import Damaged, MoverError
from mover.core.model import Digest
from mover.core.spec import Cap
from mover.engine.items import Reading, merged
from mover.engine.progress import Active, Progress
from mover.engine.settings import RunSettings
from mover.engine.side import LinkLost, Note, Side
from mover.engine.stripes import alone, striped
from mover.engine.verify import check_source
from mover.net.pace import Bandwidth
from mover.spool.room import Room


class Fetch:
    """Fills a room with a file's bytes from `start` on, in ranges several at once where the source has them, and in order.

    `failed` is what stopped it. The source's own digest is held against what arrived before `checked` is true.
    """

    def __init__(
        self,
        source: Side,
        settings: RunSettings,
        bandwidth: Bandwidth,
        progress: Progress,
        active: Active,
        note: Note,
    ) -> None:
        self._source = source
        self._settings = settings
        self._bandwidth = bandwidth
        self._progress = progress
        self._active = active
        self._note = note
        self.failed: MoverError | LinkLost | None = None
        self.checked = asyncio.Event()

    async def fill(self, room: Room, reading: Reading, start: int) -> None:
        """Fetch everything from byte `start` to the end. Failures go to the room's readers, and to `failed`."""
        try:
            async with aclosing(self._pieces(reading, start)) as pieces:
                async for data in pieces:
                    await room.write(data)
                    self._active.moved += len(data)
                    self._progress.bytes_moved += len(data)
                    await self._bandwidth.take(len(data))
            digests = await room.close()
            check_source(digests if start == 0 else (), reading.entry)
            self.checked.set()
        except MoverError as problem:
            self._fail(room, problem, problem)
        except LinkLost as lost:
            self._fail(room, lost.problem, lost)
        except BaseException:  # whoever reads the room must not wait for ever
            room.fail(Damaged("the fetch was ended"))
            raise

    def body(self, room: Room) -> CheckedBody:
        """The whole room as a body whose last piece is held back until the source's digest was found right."""
        return CheckedBody(room, self)

    def _fail(self, room: Room, problem: MoverError, whole: MoverError | LinkLost) -> None:
        self.failed = whole
        room.fail(problem)
        self.checked.set()

    def _pieces(self, reading: Reading, start: int) -> AsyncGenerator[bytes]:
        size = reading.entry.size
        if size is None or not self._source.can(Cap.RANGED_READ):
            return self._stream(reading)
        return self._ranges(reading, start, size)

    def _ranges(self, reading: Reading, start: int, size: int) -> AsyncGenerator[bytes]:
        async def read(begin: int, end: int, give: Callable[[bytes], Awaitable[None]]) -> None:
            await self._range(reading, begin, end, give)

        aside, settings = self._source.pace.aside, self._settings
        return striped(read, start, size, length=settings.stripe, most=settings.stripes, aside=aside)

    async def _range(self, reading: Reading, start: int, end: int, give: Callable[[bytes], Awaitable[None]]) -> None:
        at = start

        async def read() -> None:
            nonlocal at
            async with self._source.connector.read(reading.entry, start=at, end=end) as body:
                if at == 0:
                    reading.entry = merged(reading.entry, body.entry, reading.entry.size)
                async for chunk in body.chunks():
                    at += len(chunk)
                    await give(chunk)
            if at != end:
                raise Damaged(f"{end - start} bytes were asked for at {start}, but {at - start} arrived")

        await self._source.call(read, self._note)

    def _stream(self, reading: Reading) -> AsyncGenerator[bytes]:
        """The whole file in one go. What was lost on the way cannot be asked for again by itself: the file begins anew."""

        async def read(_begin: int, _end: int, give: Callable[[bytes], Awaitable[None]]) -> None:
            async with self._source.pace.turn(), self._source.connector.read(reading.entry) as body:
                reading.entry = merged(reading.entry, body.entry, reading.entry.size)
                async for chunk in body.chunks():
                    await give(chunk)

        return alone(read, aside=self._source.pace.aside)


class CheckedBody:
    """See `Fetch.body`."""

    whole: bytes | None = None

    def __init__(self, room: Room, fetch: Fetch) -> None:
        self._room = room
        self._fetch = fetch
        self._inner = room.body()

    @property
    def size(self) -> int | None:
        """Bytes of the whole file, `None` while nobody knows."""
        return self._inner.size

    @property
    def digests(self) -> tuple[Digest, ...]:
        """Known once everything has arrived."""
        return self._inner.digests

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes. The last piece comes only when the source's digest was found right.

        Raises:
            MoverError: what the fetch failed with.
        """
        held: bytes | None = None
        async for chunk in self._inner.chunks():
            if held is not None:
                yield held
            held = chunk
        await self._fetch.checked.wait()
        if self._fetch.failed is not None:
            raise problem_of(self._fetch.failed)
        if held is not None:
            yield held


def problem_of(failure: MoverError | LinkLost) -> MoverError:
    """The error behind it."""
    return failure.problem if isinstance(failure, LinkLost) else failure
