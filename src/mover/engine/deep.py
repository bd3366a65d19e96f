"""The scan of two object stores: both listings run side by side in the order of their keys, and no folder is asked for.

A million objects cost a thousand requests on each side, and as much memory as two pages: what is the same on both sides is told apart
column by column, and only what differs becomes an item.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Self, cast

from mover.core.connector import ListsDeep
from mover.core.errors import MoverError, Retry
from mover.core.model import Batch, Entry
from mover.core.spec import Cap
from mover.engine.control import Control
from mover.engine.folders import Folder
from mover.engine.plan import Planner
from mover.engine.planned import Place
from mover.engine.scan import Empty, Put
from mover.engine.settings import RunSettings
from mover.engine.side import Side

AHEAD: Final = 2
"""Batches that are fetched before they are needed."""


def fits(source: Side, destination: Side, settings: RunSettings) -> bool:
    """Whether both sides can be scanned this way: both list deep, and what is a name on one is one on the other."""
    both = source.can(Cap.DEEP_LISTING) and destination.can(Cap.DEEP_LISTING | Cap.IMPLIED_FOLDERS)
    return both and source.spec.limits == destination.spec.limits and settings.verify != "full"


class DeepScan:
    """Merges the two listings; see the module. Takes the place of `Scan`."""

    def __init__(self, source: Side, destination: Side, planner: Planner, *, control: Control) -> None:
        self._source = source
        self._destination = destination
        self._planner = planner
        self._control = control
        self._top = Folder(destination, None, "", destination.folder.id)
        self._chain: list[Folder] = [self._top]
        self._marker: tuple[str, bool] | None = (
            None  # an empty object "folder/", and whether the destination has it too
        )

    async def run(self, put: Put, empty: Empty) -> None:
        """Walk both listings. `put` gets each planned file, `empty` each marker of an empty folder."""
        async with _Rows(self._source) as mine, _Rows(self._destination) as theirs:
            while await mine.more() and not self._control.pausing:
                await self._waiting_marker(mine.batch.paths[mine.at], empty)
                has_theirs = await theirs.more()
                same, alone = _split(mine, theirs if has_theirs else None)
                await self._planner.same_rows(mine.batch, same)
                await self._rows(alone, mine, theirs, put, empty)
            if not self._control.pausing:
                await self._waiting_marker(None, empty)

    async def _rows(
        self, alone: list[tuple[int, int | None]], mine: _Rows, theirs: _Rows, put: Put, empty: Empty
    ) -> None:
        """Plan the rows that are not plainly the same: on one side only, or different."""
        for index, other in alone:
            path = mine.batch.paths[index]
            if path.endswith("/") and not mine.batch.sizes[index]:
                self._marker = path, other is not None
                if (following := mine.after(index)) is not None:
                    await self._waiting_marker(following, empty)
                continue
            entry = mine.entry(index)
            there = None if other is None else theirs.entry(other)
            folder = self._folder_of(path)
            planned = await self._planner.one(Place(entry, folder.path, folder), entry, there)
            if planned is not None:
                await put(planned)

    async def _waiting_marker(self, following: str | None, empty: Empty) -> None:
        """Settle the marker that was met last, now that it is known which row follows it: only an empty folder's counts by itself."""
        if self._marker is None:
            return
        (path, has), self._marker = self._marker, None
        if (following is not None and following.startswith(path)) or not self._planner.wants_folder(path[:-1]):
            return
        folder = self._folder_of(path + "x")
        folder.exists = has
        await empty(folder)

    def _folder_of(self, path: str) -> Folder:
        """The destination's folder for a path, made from the one before, which is mostly the same."""
        names = path.split("/")[:-1]
        chain = self._chain
        depth = 0
        while depth < len(names) and depth + 1 < len(chain) and chain[depth + 1].name == names[depth]:
            depth += 1
        del chain[depth + 1 :]
        for name in names[depth:]:
            chain.append(chain[-1].child(name, None))
        return chain[-1]


class _Rows:
    """One side's listing, batch by batch, with the next ones on their way. `at` is the next row to look at."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._connector = cast("ListsDeep", side.connector)
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(AHEAD)
        self._feeder: asyncio.Task[None] | None = None
        self._ended = False
        self._given = ""
        self.batch = Batch([], [], [], [])
        self.at = 0

    async def __aenter__(self) -> Self:
        self._feeder = asyncio.create_task(self._feed())
        return self

    async def __aexit__(self, *problem: object) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
            await asyncio.gather(self._feeder, return_exceptions=True)

    async def more(self) -> bool:
        """Whether there is a row at `at`; fetches the next batch if the last is used up."""
        while self.at >= len(self.batch.paths):
            if self._ended:
                return False
            found = await self._queue.get()
            self._room.release()
            if found is None:
                if self._feeder is not None:
                    await self._feeder  # raises what ended it before the last row
                self._ended = True
                self.batch = Batch([], [], [], [])
                self.at = 0
                return False
            self.batch, self.at = found, 0
        return True

    def entry(self, index: int) -> Entry:
        """The entry of a row of this batch."""
        return self._connector.entry_of(self._side.folder.id, self.batch, index)

    def after(self, index: int) -> str | None:
        """The path of the row behind, if it is in this batch."""
        return self.batch.paths[index + 1] if index + 1 < len(self.batch.paths) else None

    async def _feed(self) -> None:
        try:
            while not await self._got_through():
                pass
        finally:
            self._queue.put_nowait(None)  # whoever takes the rows must not wait for ever

    async def _got_through(self) -> bool:
        """Whether the listing came to its end. A long one may stumble more often than a single call: what counts is that it gets on."""
        begun = self._given
        try:
            await self._side.patiently(self._list)
        except MoverError as problem:
            if self._given == begun or problem.retry is Retry.NEVER:
                raise
            return False
        return True

    async def _list(self) -> None:
        """List what is left; what an attempt before this one has given is not given again, as the rows come in order."""
        stream: AsyncIterator[Batch] = self._connector.list_deep(self._side.folder.id, self._given)
        async for batch in stream:
            new = batch.after(self._given)
            if new.paths:
                self._given = new.paths[-1]
                await self._room.acquire()
                self._queue.put_nowait(new)


def _split(mine: _Rows, theirs: _Rows | None) -> tuple[list[int], list[tuple[int, int | None]]]:
    """Go on in both batches until one is used up. Returns the rows that are plainly the same, and the others with their namesakes."""
    if theirs is None:
        begin, mine.at = mine.at, len(mine.batch.paths)
        return [], [(index, None) for index in range(begin, mine.at)]
    if (count := _equal(mine, theirs)) is not None:
        mine.at, theirs.at = mine.at + count, theirs.at + count
        return list(range(mine.at - count, mine.at)), []
    return _merged(mine, theirs)


def _equal(mine: _Rows, theirs: _Rows) -> int | None:
    """How many rows are left in both batches, if they are all the same: so it mostly is when nothing has changed."""
    count = min(len(mine.batch.paths) - mine.at, len(theirs.batch.paths) - theirs.at)
    mine_now, theirs_now = slice(mine.at, mine.at + count), slice(theirs.at, theirs.at + count)
    tags = mine.batch.tags[mine_now]
    same = (
        mine.batch.paths[mine_now] == theirs.batch.paths[theirs_now]
        and mine.batch.sizes[mine_now] == theirs.batch.sizes[theirs_now]
        and tags == theirs.batch.tags[theirs_now]
        and len(tags) == count
        and all(tags)
    )
    return count if same else None


def _merged(mine: _Rows, theirs: _Rows) -> tuple[list[int], list[tuple[int, int | None]]]:
    same: list[int] = []
    alone: list[tuple[int, int | None]] = []
    paths, sizes, tags = mine.batch.paths, mine.batch.sizes, mine.batch.tags
    other, other_sizes, other_tags = theirs.batch.paths, theirs.batch.sizes, theirs.batch.tags
    i, j, last, other_last = mine.at, theirs.at, len(paths), len(other)
    while i < last and j < other_last:
        path, their_path = paths[i], other[j]
        if path == their_path:
            if sizes[i] == other_sizes[j] and tags and other_tags and tags[i] == other_tags[j] and tags[i]:
                same.append(i)
            else:
                alone.append((i, j))
            i += 1
            j += 1
        elif path < their_path:
            alone.append((i, None))
            i += 1
        else:
            j += 1
    mine.at, theirs.at = i, j
    return same, alone
