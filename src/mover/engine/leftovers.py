"""What earlier passes of a run left at the destination because their process was killed, or their connection lost, while it wrote."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import cast

from mover.core.connector import WritesParts
from mover.core.errors import MoverError, NotFound
from mover.core.model import Entry, Kind
from mover.core.spec import Cap
from mover.core.temporary import RUN, mark_of
from mover.engine.folders import Folder
from mover.engine.journal import Attempt, Journal, KeptUpload, Key
from mover.engine.side import LinkLost, Side


class Leftovers:
    """Finds them by the run's mark in their names, and removes them: never another run's, nor what this pass is writing."""

    def __init__(self, destination: Side, journal: Journal, mark: str | None, *, remove: bool) -> None:
        """`mark` is this pass's (`core.temporary`); without one nothing is found. Without `remove` all stays (a dry run)."""
        self._destination = destination
        self._journal = journal
        self._mark = mark
        self._remove = remove

    async def without(self, folder: Folder, listed: list[Entry]) -> list[Entry]:
        """What was listed in a folder of the destination but for the leftovers, which are gone when this returns.

        One that cannot be removed is noted in the journal, and left out all the same. An upload that the journal knows is no leftover:
        it is gone on with.
        """
        left = [entry for entry in listed if self._is_left(entry)]
        if not left:
            return listed
        if self._remove:
            under_way = [upload.state for _, upload in await self._journal.uploads()]
            for entry in left:
                if not any(entry.name in state for state in under_way):
                    await self._removed(folder, entry)
        return [entry for entry in listed if entry not in left]

    async def end_uploads(self) -> None:
        """Once a pass is complete: drop the uploads in parts that it did not go on with, as their files are gone or have become small."""
        if not self._remove or not self._destination.can(Cap.PARTS):
            return
        for key, upload in await self._journal.uploads():
            with suppress(MoverError, LinkLost):
                await self._ended(key, upload)

    def _is_left(self, entry: Entry) -> bool:
        """Behind the user's own encryption a file that nobody finished is foreign, as its name is in the clear; only files have a size."""
        mark = self._mark
        if mark is None or mark[:RUN] not in entry.name:
            return False
        file = entry.kind is Kind.FILE or (entry.kind is Kind.FOREIGN and entry.size is not None)
        found = mark_of(entry.name)
        return file and found is not None and found != mark and found.startswith(mark[:RUN])

    async def _removed(self, folder: Folder, entry: Entry) -> None:
        path = f"{folder.path}/{entry.name}" if folder.path else entry.name
        with suppress(MoverError, LinkLost):
            await self._destination.call(
                partial(self._destination.connector.remove, entry.id), partial(self._note, (path, ""))
            )

    async def _ended(self, key: Key, kept: KeptUpload) -> None:
        connector, note = cast("WritesParts", self._destination.connector), partial(self._note, key)
        try:
            upload = await self._destination.call(partial(connector.resume, kept.state), note)
        except NotFound:
            pass
        else:
            await self._destination.call(partial(connector.abandon, upload), note)
        await self._journal.forget_upload(key)

    def _note(self, key: Key, problem: MoverError) -> None:
        detail = f"what an interrupted pass had left could not be removed: {problem.detail}"
        self._journal.note(Attempt(*key, problem.code, detail))
