"""Opening the two ends of a run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from mover.connectors.registry import connect
from mover.core.clock import Clock
from mover.core.options import Options
from mover.engine.side import Side
from mover.engine.tree import find, make_folders
from mover.net.pace import Pace, Retries


@dataclass(frozen=True, slots=True)
class End:
    """A place that a user named: a connection's options, a path in it, and how the user wrote it."""

    options: Options
    path: str
    address: str


@asynccontextmanager
async def opened(
    end: End, clock: Clock, *, at_once: int, make: bool = False, retries: Retries | None = None
) -> AsyncGenerator[Side]:
    """The open end, at its folder (or file). With `make` the folder is made if it is missing.

    Raises:
        LinkLost, MoverError: the connection cannot be opened, or there is no such folder.
    """
    async with connect(end.options) as connector:
        root = await connector.root()
        side = Side(connector, end.options.spec, root, Pace(clock, at_most=at_once), clock, retries or Retries())
        yield replace(side, folder=await (make_folders if make else find)(side, end.path))
