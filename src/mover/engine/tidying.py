"""What runners that were lost in the middle of a run left at the destination: files under temporary names. It comes last in a run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from mover.core.errors import MoverError, NotFound
from mover.core.model import Entry, ItemId, Kind
from mover.core.spec import Cap
from mover.core.temporary import RUN, mark_of
from mover.engine.control import Control
from mover.engine.ending import Ending, ended
from mover.engine.journal import Attempt, Journal
from mover.engine.side import LinkLost, Side, listing

_AT_ONCE: Final = 8


async def tidy_piece(destination: Side, journal: Journal, mark: str, control: Control) -> Ending:
    """Remove every file that bears the run's mark, in whatever pass. What cannot be removed is noted in the journal, by its path.

    An upload that the journal knows is no leftover: the next run goes on with it. Object stores show no file before it is whole, so
    nothing is looked for there.
    """
    return await ended(_Tidying(destination, journal, mark, control).run(), journal, control)


async def tidy_folders(destination: Side, journal: Journal, mark: str, folders: Mapping[ItemId, str]) -> None:
    """The same in some folders only, by their ids and paths: those in which a connection broke while it wrote.

    What it had asked for may have been done after we had cleared away, by a server that had not yet noticed.
    """
    if folders and not destination.can(Cap.IMPLIED_FOLDERS):
        with suppress(LinkLost):  # every file is copied; the next pass over the folder clears away what is left
            await _Tidying(destination, journal, mark, Control()).run_in(folders)


class _Tidying:
    """Walks all folders, some at once."""

    def __init__(self, destination: Side, journal: Journal, mark: str, control: Control) -> None:
        self._destination = destination
        self._journal = journal
        self._mark = mark[:RUN]
        self._control = control
        self._waiting: list[tuple[ItemId, str]] = []
        self._under_way: list[str] = []

    async def run(self) -> None:
        if self._destination.can(Cap.IMPLIED_FOLDERS):
            return
        await self._spare()
        self._waiting.append((self._destination.folder.id, ""))
        while self._waiting and not self._control.pausing:
            some = [self._waiting.pop() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            async with asyncio.TaskGroup() as group:
                for folder, path in some:
                    group.create_task(self._folder(folder, path))

    async def run_in(self, folders: Mapping[ItemId, str]) -> None:
        """Look into these only."""
        await self._spare()
        for folder, path in folders.items():
            await self._folder(folder, path)

    async def _spare(self) -> None:
        self._under_way = [upload.state for _, upload in await self._journal.uploads()]

    async def _folder(self, folder: ItemId, path: str) -> None:
        try:
            found = await listing(self._destination, folder)
        except NotFound:
            return
        except MoverError as problem:
            self._note(path, problem)
            return
        for entry in found:
            below = f"{path}/{entry.name}" if path else entry.name
            if entry.kind is Kind.FOLDER:
                self._waiting.append((entry.id, below))
            elif self._is_left(entry):
                await self._done(below, partial(self._destination.connector.remove, entry.id))

    def _is_left(self, entry: Entry) -> bool:
        mark = mark_of(entry.name)
        ours = mark is not None and mark.startswith(self._mark)
        return ours and not any(entry.name in state for state in self._under_way)

    async def _done(self, path: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._destination.call(work)
        except MoverError as problem:
            self._note(path, problem)

    def _note(self, path: str, problem: MoverError) -> None:
        detail = f"what a lost runner had left could not be removed: {problem.detail}"
        self._journal.note(Attempt(path, "", problem.code, detail))
