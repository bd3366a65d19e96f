"""A run: scan, plan and copy side by side on bounded belts, until every item is accounted for or the run pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from mover.core.errors import MoverError, Refused
from mover.core.model import Kind
from mover.core.spec import Cap
from mover.core.states import State
from mover.engine.belt import Belt, stage
from mover.engine.control import Control
from mover.engine.deep import DeepScan, fits
from mover.engine.filters import Filter
from mover.engine.folders import Folder
from mover.engine.journal import Journal, Line
from mover.engine.leftovers import Leftovers
from mover.engine.links import Links
from mover.engine.plan import Planner
from mover.engine.planned import Planned
from mover.engine.progress import Progress
from mover.engine.scan import Put, Scan
from mover.engine.settings import RunSettings
from mover.engine.side import LinkLost, Side, first_of
from mover.engine.transfer import Transfer
from mover.net.pace import Bandwidth
from mover.spool.spool import Spool

BELT: Final = 500
"""Planned files that may wait for a hand."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. A paused run can be resumed; `problem` is what made it pause, if it was not a person."""

    state: Literal["done", "paused"]
    reason: str | None = None
    problem: MoverError | None = None


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
        self._journal = journal
        self._settings = settings
        self._control = control
        self._progress = progress
        bandwidth = Bandwidth(source.clock, settings.bytes_per_second)
        self._transfer = Transfer(source, destination, spool, journal, settings, progress, bandwidth, name, mark)
        planner = Planner(source, destination, settings, filters, journal, progress)
        links = Links(source, planner, follow=settings.links == "follow")
        self._leftovers = Leftovers(destination, journal, mark, remove=not settings.dry_run)
        self._by_folders = Scan(
            source, destination, planner, links, self._leftovers, scanners=settings.scanners, control=control
        )
        self._scan: Scan | DeepScan = self._by_folders
        if fits(source, destination, settings):
            self._scan = DeepScan(source, destination, planner, control=control)

    async def go(self) -> Ending:
        """Work until everything is accounted for, somebody pauses the run, or a connection is lost.

        Raises:
            MoverError: the run cannot begin: the source folder cannot be listed.
        """
        try:
            await self._all_stages()
        except BaseExceptionGroup as group:
            await self._journal.flush()
            return self._ended_by(group)
        if self._control.pausing:
            await self._journal.flush()
            return Ending("paused", self._control.reason)
        await self._journal.end_pass()
        if not self._progress.items[State.FAILED]:  # else files that could not be reached may still want theirs
            await self._leftovers.end_uploads()
        return Ending("done")

    def _ended_by(self, group: BaseExceptionGroup[BaseException]) -> Ending:
        """A lost link pauses the run; whatever else broke through is raised by itself, not in its group."""
        lost = first_of(group, LinkLost)
        if isinstance(lost, LinkLost):
            self._control.pause(lost.problem.detail)
            return Ending("paused", lost.problem.detail, lost.problem)
        raise first_of(group, MoverError) from group

    async def _all_stages(self) -> None:
        small: Belt[Planned] = Belt(BELT)
        large: Belt[Planned] = Belt(BELT)

        async def put(planned: Planned) -> None:
            await (large if self._transfer.is_large(planned) else small).put(planned)

        async def scan() -> None:
            await self._scanned(put)
            self._progress.scanned = not self._control.pausing
            await small.end()
            await large.end()

        work = self._unless_pausing(self._only_planned if self._settings.dry_run else self._transfer)
        async with asyncio.TaskGroup() as group:
            group.create_task(scan())
            group.create_task(stage(small, None, work, hands=self._settings.transfers))
            group.create_task(stage(large, None, work, hands=self._settings.large_transfers))

    async def _scanned(self, put: Put) -> None:
        """Scan; folder by folder where a store turns out not to list in order."""
        try:
            await self._scan.run(put, self._empty_folder)
        except Refused:
            if not isinstance(self._scan, DeepScan) or self._progress.found:
                raise
            await self._by_folders.run(put, self._empty_folder)

    def _unless_pausing(self, work: Callable[[Planned], Awaitable[None]]) -> Callable[[Planned], Awaitable[None]]:
        async def guarded(planned: Planned) -> None:
            if not self._control.pausing:
                await work(planned)

        return guarded

    async def _only_planned(self, planned: Planned) -> None:
        """In a dry run the plan's line is the last."""

    async def _empty_folder(self, folder: Folder) -> None:
        self._progress.found += 1
        state, code, detail = State.SAME, None, None
        if not folder.exists and not self._destination.can(Cap.EMPTY_FOLDERS):
            state, code, detail = State.UNFIT, "item-unfit", "the destination cannot keep an empty folder"
        elif not folder.exists:
            state = State.PLANNED if self._settings.dry_run else State.COPIED
        if state is State.COPIED:
            try:
                await folder.ensure(marked=True)
            except MoverError as problem:
                state, code, detail = State.FAILED, problem.code, problem.detail
        self._progress.items[state] += 1
        self._journal.write(Line(folder.path, "", Kind.FOLDER, state, code=code, detail=detail))
