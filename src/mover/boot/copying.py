"""One copy in this process: both ends, a spool, a journal, and the engine between them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mover.boot.proving import ProvingRun
from mover.core.clock import Clock
from mover.core.errors import BadAddress
from mover.engine.control import Control
from mover.engine.ending import Ending
from mover.engine.filters import Filter
from mover.engine.local_journal import LocalJournal
from mover.engine.progress import Progress
from mover.engine.run import Run
from mover.engine.settings import RunSettings
from mover.engine.side import Side
from mover.runner.ends import End, opened
from mover.runner.one_file import OneFile
from mover.spool.spool import Spool

MEMORY: Final = 8
"""Segments of 1 MiB that may wait in memory for whoever sends them on; what is behind comes from the spool again."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What is to be copied, and how."""

    name: str
    source: End
    destination: End
    settings: RunSettings
    filters: Filter
    prove: bool = False
    """With `settings.dry_run`: files of equal size are read on both sides."""


async def copy(
    what: Copy,
    journal: LocalJournal,
    spool_folder: Path,
    quota: int,
    clock: Clock,
    *,
    control: Control,
    progress: Progress,
) -> Ending:
    """Work through one pass of a copy. `journal` is open; `progress` and `control` may be used meanwhile.

    Raises:
        MoverError: the run cannot begin: an address is wrong, a connection cannot be opened.
    """
    async with AsyncExitStack() as stack:
        source, destination = await _both(what, clock, stack)
        spool = await stack.enter_async_context(Spool.open(spool_folder, quota=quota, memory=MEMORY))
        journal.begin_pass()
        kind = ProvingRun if what.prove else Run
        run = kind(
            source,
            destination,
            spool,
            journal,
            what.settings,
            filters=what.filters,
            control=control,
            progress=progress,
            name=what.name,
            mark=journal.mark(),
        )
        if isinstance(run, ProvingRun):
            run.prove_with(source, destination, spool, what.name)
        return await run.go()


async def _both(what: Copy, clock: Clock, stack: AsyncExitStack) -> tuple[Side, Side]:
    """Both ends, open until the stack is left. A destination that is not there yet is made, unless it is only looked at."""
    settings = what.settings
    at_once = settings.transfers + settings.scanners
    source = await stack.enter_async_context(opened(what.source, clock, at_once=at_once))
    there = opened(what.destination, clock, at_once=at_once, make=not settings.dry_run, may_lack=settings.dry_run)
    destination = await stack.enter_async_context(there)
    if isinstance(destination.connector, OneFile):
        raise BadAddress(f"{what.destination.address} is a file; a copy goes into a folder", item="destination")
    return source, destination
