"""The spool: where files rest, encrypted, between their source and their destination."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self
from weakref import WeakSet

from mover.core.errors import BadOption
from mover.core.model import Algorithm
from mover.core.threads import Threads
from mover.crypto.streaming import SEGMENT, segments
from mover.spool.disk import THREADS, Disk
from mover.spool.folder import open_file
from mover.spool.kept import SMALL, SMALL_SLOT, Kept, RoomKept, SmallKept
from mover.spool.pieces import Memory
from mover.spool.room import Room
from mover.spool.slots import Slots

WINDOW: Final = 64
"""How many segments of a long file are kept at once, unless said otherwise."""

LEAST_QUOTA: Final = 16 << 20
"""The smallest quota, in bytes, with which files can pass at all."""

_MOST_SMALL: Final = 1024
_SMALL_SHARE: Final = 8  # one part in so many of the quota is for small files
_ROOM_SHARE: Final = 4  # no room gets more than one part in so many of the quota unless it asks for it


class Spool:
    """Encrypted temporary storage of one process, in one nameless file that is reused.

    Every file has a fresh 256-bit key that exists in memory only. What is on the disk is Tink's AES256-GCM-HKDF streaming
    format, bound to the file's `context` (run | item | version): nothing readable, and nothing that opens in another file's
    place. The file has no name, so a crash leaves nothing to find; whatever an earlier crash left is erased at start.

    Whoever comes when the quota is used up waits in line, and never fails. Ask for one room at a time: a task that holds one and
    waits for a second can wait for itself.
    """

    def __init__(self, file: int, quota: int, window: int, memory: int) -> None:
        """Made by `open` only."""
        small = min(_MOST_SMALL, quota // _SMALL_SHARE // SMALL_SLOT)
        self._small = Slots(0, SMALL_SLOT, small)
        begin = -(-small * SMALL_SLOT // SEGMENT) * SEGMENT
        self._large = Slots(begin, SEGMENT, (quota - begin) // SEGMENT)
        self._window = max(1, min(window, self._large.count // _ROOM_SHARE))
        self._file = file
        self._disk = Disk(file)
        self._threads = Threads(THREADS, "spool")
        self._memory = Memory(memory)
        self._hand_on = memory > 0
        self._rooms: WeakSet[Room] = WeakSet()

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, quota: int, window: int = WINDOW, memory: int = 0) -> AsyncGenerator[Self]:
        """A spool in `folder` that uses at most `quota` bytes of it; `window` is in segments of 1 MiB.

        `memory` is how many segments, of all files together, may be handed to their first reader without being read back
        from the disk and opened: faster for large files; every later reader gets what the disk holds.

        Raises:
            BadOption: the folder is not ours alone or not empty, or the quota is below `LEAST_QUOTA`.
        """
        if quota < LEAST_QUOTA:
            raise BadOption(f"the spool needs a quota of at least {LEAST_QUOTA} bytes, not {quota}", item="quota")
        file = open_file(folder)
        try:
            spool = cls(file, quota, window, memory)
            try:
                yield spool
            finally:
                await spool._close()
        finally:
            os.close(file)

    @property
    def used(self) -> int:
        """Bytes of the quota that are reserved now; 0 when nothing is on its way."""
        return sum(slots.reserved * slots.size for slots in (self._small, self._large))

    @property
    def most(self) -> int:
        """How many segments all rooms together can hold, so the most that one may ask for."""
        return self._large.count

    @property
    def window(self) -> int:
        """How many segments a room gets that does not ask for a number."""
        return self._window

    async def room(
        self,
        context: bytes,
        size: int | None,
        algorithms: Iterable[Algorithm] = (),
        *,
        window: int | None = None,
    ) -> Room:
        """A room for a file of `size` bytes (`None`: nobody knows), which computes `algorithms`; waits for its turn.

        `window` asks for so many segments instead of the spool's own measure (which is never more than a quarter of the quota).

        Raises:
            BadOption: the quota is too small for that window.
        """
        wanted = window or self._window
        if size is not None:
            wanted = min(wanted, segments(size))
        if wanted > self._large.count:
            raise BadOption(
                f"the spool's quota holds {self._large.count} MiB at once, {wanted} MiB are needed", item="quota"
            )
        await self._large.reserve(wanted)
        room = self._new_room(context, size, wanted, algorithms)
        self._rooms.add(room)
        return room

    async def keep(self, data: bytes, context: bytes, algorithms: Iterable[Algorithm] = ()) -> Kept:
        """Seal a whole file and compute its digests; waits for its turn. Up to 64 KiB it costs no thread.

        Raises:
            BadOption: the quota is too small for the file.
            SpoolFull, SpoolFailed: the disk did not take it.
        """
        if len(data) > SMALL:
            return await self._keep_large(data, context, algorithms)
        if not self._small.reserve_now():
            await self._small.reserve()
        try:
            return SmallKept(self._small, self._disk, data, context, algorithms, hand_on=self._hand_on)
        except BaseException:
            self._small.unreserve(1)
            raise

    def trim(self) -> bool:
        """Give the disk space of the reused file back, if nothing is in use; whether it was done."""
        if self.used:
            return False
        os.ftruncate(self._file, 0)
        self._small.forget()
        self._large.forget()
        return True

    async def _keep_large(self, data: bytes, context: bytes, algorithms: Iterable[Algorithm]) -> Kept:
        room = await self.room(context, len(data), algorithms, window=segments(len(data)))
        try:
            await room.write(data)
            await room.close()
        except BaseException:
            room.release()
            raise
        return RoomKept(room, len(data))

    def _new_room(self, context: bytes, size: int | None, window: int, algorithms: Iterable[Algorithm]) -> Room:
        try:
            return Room(
                self._large,
                self._disk,
                self._threads,
                self._memory,
                context=context,
                size=size,
                window=window,
                algorithms=algorithms,
            )
        except BaseException:
            self._large.unreserve(window)
            raise

    async def _close(self) -> None:
        for room in list(self._rooms):
            room.release()
        await self._threads.idle()
        self._threads.close()
