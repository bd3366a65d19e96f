"""A run: scan, plan and copy side by side on bounded belts, until every item is accounted for or the run pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from mover.core.states import State
from mover.engine.belt import Belt, stage
from mover.engine.control import Control
from mover.engine.ending import Ending, ended
from mover.engine.filters import Filter
from mover.engine.journal import Journal
from mover.engine.planned import Planned
from mover.engine.progress import Progress
from mover.engine.scanning import Scanning
from mover.engine.settings import RunSettings
from mover.engine.side import Side
from mover.engine.tidying import tidy_folders
from mover.engine.transfer import Transfer
from mover.net.pace import Bandwidth
from mover.spool.spool import Spool

BELT: Final = 500
"""Planned files that may wait for a hand."""


class Run:
    """One pass over one pair of folders. The journal carries what is known from pass to pass."""

    def __init__(
        self,
        source: Side,
        destination: Side,
        spool: Spool,
        journal: Journal,
        settings: RunSettings,
        *,
        filters: Filter,
        control: Control,
        progress: Progress,
        name: str,
        mark: str | None = None,
    ) -> None:
        """`name` is bound to everything this run keeps in the spool; `mark` is in the names of files that it has not finished yet."""
        self._destination = destination
        self._mark = mark
        self._journal = journal
        self._settings = settings
        self._control = control
        self._progress = progress
        bandwidth = Bandwidth(source.clock, settings.bytes_per_second)
        self._transfer = Transfer(source, destination, spool, journal, settings, progress, bandwidth, name, mark)
        self._scanning = Scanning(
            source, destination, journal, settings, filters=filters, control=control, progress=progress, mark=mark
        )

    async def go(self) -> Ending:
        """Work until everything is accounted for, somebody pauses the run, or a connection is lost.

        Raises:
            MoverError: the run cannot begin: the source folder cannot be listed.
        """
        ending = await ended(self._all_stages(), self._journal, self._control)
        if ending.state == "done":
            if self._mark is not None:
                await tidy_folders(self._destination, self._journal, self._mark, self._transfer.suspects)
            await self._journal.end_pass()
            if not self._progress.items[State.FAILED]:  # else files that could not be reached may still want theirs
                await self._scanning.end_uploads()
        return ending

    async def _all_stages(self) -> None:
        small: Belt[Planned] = Belt(BELT)
        large: Belt[Planned] = Belt(BELT)

        async def put(planned: Planned) -> None:
            await (large if self._transfer.is_large(planned) else small).put(planned)

        async def scan() -> None:
            await self._scanning.run(put)
            await small.end()
            await large.end()

        work = self._unless_pausing(self._only_planned if self._settings.dry_run else self._transfer)
        async with asyncio.TaskGroup() as group:
            group.create_task(scan())
            group.create_task(stage(small, None, work, hands=self._settings.transfers))
            group.create_task(stage(large, None, work, hands=self._settings.large_transfers))

    def _unless_pausing(self, work: Callable[[Planned], Awaitable[None]]) -> Callable[[Planned], Awaitable[None]]:
        async def guarded(planned: Planned) -> None:
            if not self._control.pausing:
                await work(planned)

        return guarded

    async def _only_planned(self, planned: Planned) -> None:
        """In a dry run the plan's line is the last."""
