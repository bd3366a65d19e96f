"""The first half of a run: both sides scanned and compared, so that it is known of each item what is to be done."""

from __future__ import annotations

from mover.core.errors import MoverError, Refused
from mover.core.model import Kind
from mover.core.spec import Cap
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.deep import DeepScan, fits
from mover.engine.filters import Filter
from mover.engine.folders import Folder
from mover.engine.journal import Journal, Line
from mover.engine.leftovers import Leftovers
from mover.engine.links import Links
from mover.engine.plan import Planner
from mover.engine.progress import Progress
from mover.engine.scan import Put, Scan
from mover.engine.settings import RunSettings
from mover.engine.side import Side


class Scanning:
    """Scans in the way that fits both sides. What is not to be copied is journaled on the way; empty folders are made."""

    def __init__(
        self,
        source: Side,
        destination: Side,
        journal: Journal,
        settings: RunSettings,
        *,
        filters: Filter,
        control: Control,
        progress: Progress,
        mark: str | None = None,
    ) -> None:
        self._destination = destination
        self._journal = journal
        self._settings = settings
        self._control = control
        self._progress = progress
        planner = Planner(source, destination, settings, filters, journal, progress)
        links = Links(source, planner, follow=settings.links == "follow")
        self._leftovers = Leftovers(destination, journal, mark, remove=not settings.dry_run)
        self._by_folders = Scan(
            source, destination, planner, links, self._leftovers, scanners=settings.scanners, control=control
        )
        self._scan: Scan | DeepScan = self._by_folders
        if fits(source, destination, settings):
            self._scan = DeepScan(source, destination, planner, control=control)

    async def run(self, put: Put) -> None:
        """Scan everything; `put` gets each planned file. Folder by folder where a store turns out not to list in order.

        Raises:
            MoverError: the source folder cannot be listed.
            LinkLost: a connection is gone (within an exception group).
        """
        try:
            await self._scan.run(put, self._empty_folder)
        except Refused:
            if not isinstance(self._scan, DeepScan) or self._progress.found:
                raise
            await self._by_folders.run(put, self._empty_folder)
        self._progress.scanned = not self._control.pausing

    async def end_uploads(self) -> None:
        """After a pass in which nothing failed: drop the uploads in parts that it did not go on with."""
        await self._leftovers.end_uploads()

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
