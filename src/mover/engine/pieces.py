"""A run in pieces, for runners that share it: one scans and gives out what is to be copied, others copy some of it.

Scanning makes the folders, so that only one runner ever makes a folder; where a provider allows two of one name, two would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from mover.core.errors import MoverError
from mover.core.states import State
from mover.engine.belt import Belt, stage
from mover.engine.control import Control
from mover.engine.ending import Ending, ended
from mover.engine.journal import Journal
from mover.engine.planned import Planned, line_of
from mover.engine.progress import Progress
from mover.engine.scanning import Scanning
from mover.engine.settings import RunSettings
from mover.engine.transfer import Transfer

Offer = Callable[[Planned], Awaitable[None]]


async def scan_piece(
    scanning: Scanning, journal: Journal, settings: RunSettings, control: Control, progress: Progress, offer: Offer
) -> Ending:
    """Scan, and offer each planned file once its folder is there; a file whose folder cannot be made has failed.

    Raises:
        MoverError: the source folder cannot be listed.
    """

    async def put(planned: Planned) -> None:
        if settings.dry_run:
            return
        try:
            await planned.folder.ensure()
        except MoverError as problem:
            progress.items[State.FAILED] += 1
            journal.write(line_of(planned, State.FAILED, code=problem.code, detail=problem.detail))
            return
        await offer(planned)

    ending = await ended(scanning.run(put), journal, control)
    if ending.state == "done":
        await journal.end_pass()
    return ending


async def copy_piece(
    transfer: Transfer, journal: Journal, settings: RunSettings, control: Control, items: Sequence[Planned]
) -> Ending:
    """Copy these files; a pause leaves those that were not begun as they are."""

    async def work(planned: Planned) -> None:
        if not control.pausing:
            await transfer(planned)

    async def stages() -> None:
        small: Belt[Planned] = Belt(len(items) + 1)
        large: Belt[Planned] = Belt(len(items) + 1)
        for planned in items:
            await (large if transfer.is_large(planned) else small).put(planned)
        await small.end()
        await large.end()
        async with asyncio.TaskGroup() as group:
            group.create_task(stage(small, None, work, hands=settings.transfers))
            group.create_task(stage(large, None, work, hands=settings.large_transfers))

    return await ended(stages(), journal, control)
