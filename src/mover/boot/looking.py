"""Looking at a place: what `ls`, `tree`, `about` and `connection check` show. Nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

from mover.boot.addresses import Asked, end_of
from mover.boot.connections import Connections
from mover.boot.home import Home
from mover.core.clock import SystemClock
from mover.core.connector import ListsDeep, TellsQuota
from mover.core.model import Batch, Entry, Kind, Quota
from mover.core.spec import Cap
from mover.engine.side import LinkLost, Side, listing
from mover.runner.ends import End, opened

AT_ONCE: Final = 16

FOLDERS_AT_ONCE: Final = 16

DEEPEST: Final = 10_000
"""How far down a tree is shown: one that goes deeper leads in a circle."""


@asynccontextmanager
async def place(home: Home, asked: Asked) -> AsyncGenerator[tuple[End, Side]]:
    """The place that was asked for, open.

    Raises:
        MoverError: it cannot be opened, or is not there.
    """
    end = end_of(asked, Connections(home))
    try:
        async with opened(end, SystemClock(), at_once=AT_ONCE) as side:
            yield end, side
    except LinkLost as lost:
        raise lost.problem from lost


async def entries(side: Side) -> list[Entry]:
    """What lies in the folder, by name."""
    return sorted(await listing(side, side.folder.id), key=lambda entry: entry.name)


async def below(side: Side, folder: Entry, depth: int, level: int = 0) -> AsyncIterator[tuple[int, Entry]]:
    """Everything below a folder, with its level, depth first by name; at most `depth` levels."""
    waiting = [iter(sorted(await listing(side, folder.id), key=lambda e: e.name))]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        yield level + len(waiting) - 1, entry
        if entry.kind is Kind.FOLDER and len(waiting) < min(depth, DEEPEST):
            waiting.append(iter(sorted(await listing(side, entry.id), key=lambda e: e.name)))


async def deep(side: Side) -> AsyncIterator[Batch]:
    """All files below the side's folder, in batches; in one stream where the provider can, else folder by folder."""
    if side.can(Cap.DEEP_LISTING):
        async for batch in cast("ListsDeep", side.connector).list_deep(side.folder.id):
            yield batch
        return
    waiting = [(side.folder.id, "")]
    while waiting:
        some, waiting = waiting[-FOLDERS_AT_ONCE:], waiting[:-FOLDERS_AT_ONCE]
        listed = await asyncio.gather(*(listing(side, id_) for id_, _ in some))
        stored: list[float] = []
        batch = Batch([], [], stored)
        for (_, above), found in zip(some, listed, strict=True):
            for entry in found:
                path = f"{above}{entry.name}"
                if entry.kind is Kind.FOLDER:
                    waiting.append((entry.id, f"{path}/"))
                else:
                    at = entry.modified or entry.stored
                    batch.paths.append(path)
                    batch.sizes.append(entry.size or 0)
                    stored.append(0.0 if at is None else at.timestamp())
        yield batch


async def quota(side: Side) -> Quota:
    """Room in the account, as far as the provider tells."""
    if not side.can(Cap.QUOTA):
        return Quota()
    return await side.call(cast("TellsQuota", side.connector).quota)


def saved(name: str) -> Asked:
    """The root of a saved connection."""
    return Asked("source", f"{name}:")
