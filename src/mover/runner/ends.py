"""Opening the two ends of a run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from mover.connectors.registry import connect
from mover.core.clock import Clock
from mover.core.connector import Connector, ImpliesFolders
from mover.core.errors import ItemError, NotFound
from mover.core.model import Entry, ItemId, Kind
from mover.core.options import Options
from mover.core.spec import Cap
from mover.engine.side import Side
from mover.engine.tree import find, make_folders
from mover.net.pace import Pace, Retries
from mover.runner.one_file import OneFile


class NoSuchPlace(NotFound):
    """The address that a user gave names nothing."""

    advice = "Check the path: `mover ls` shows what is there."


@dataclass(frozen=True, slots=True)
class Layer:
    """The user's own encryption at an end: the file that holds the key, and whether names are encrypted too."""

    key: Path
    names: bool


@dataclass(frozen=True, slots=True)
class End:
    """A place that a user named: a connection's options, a path in it, and how the user wrote it."""

    options: Options
    path: str
    address: str
    layer: Layer | None = None


@asynccontextmanager
async def opened(
    end: End,
    clock: Clock,
    *,
    at_once: int,
    make: bool = False,
    may_lack: bool = False,
    retries: Retries | None = None,
) -> AsyncGenerator[Side]:
    """The open end at its folder; at its file, a side that shows this file alone in its folder.

    With `make` the folder is made if it is missing; with `may_lack` a missing folder is taken for an empty one. Behind a layer, the
    folder itself has the name that the user wrote: what lies in it is encrypted.

    Raises:
        NoSuchPlace: there is no such folder or file.
        ItemError: it cannot be made or looked at; the text begins with the address as the user wrote it.
        LinkLost, MoverError: the connection cannot be opened.
    """
    wrap = _layer(end.layer)
    async with connect(end.options) as connector:
        root = await connector.root()
        side = Side(connector, end.options.spec, root, Pace(clock, at_most=at_once), clock, retries or Retries())
        try:
            side = await _at_place(side, end, make=make, may_lack=may_lack)
        except NoSuchPlace:
            raise
        except ItemError as problem:
            raise problem.at(end.address) from problem
        yield wrap(side)


def _layer(layer: Layer | None) -> Callable[[Side], Side]:
    """What puts the user's own encryption around a side. Its ciphers are imported only where there is one."""
    if layer is None:
        return lambda side: side
    from mover.crypto.rclone_key import read_key
    from mover.engine.layer import Encrypted, layered

    key = read_key(layer.key)

    def wrapped(side: Side) -> Side:
        sealed = Encrypted(side.connector, key, names=layer.names)
        return replace(side, connector=sealed, spec=layered(side.spec, names=layer.names))

    return wrapped


async def _at_place(side: Side, end: End, *, make: bool, may_lack: bool) -> Side:
    if make:
        return replace(side, folder=await make_folders(side, end.path))
    try:
        found = await find(side, end.path)
    except NotFound as problem:
        if may_lack:
            return replace(side, folder=_lacking(side.connector, end.path))
        raise NoSuchPlace(f"{end.address}: {problem.detail}", item=end.path) from problem
    if found.kind is Kind.FOLDER:
        return replace(side, folder=found)
    above = await find(side, end.path.rstrip("/").rpartition("/")[0])
    return replace(side, connector=OneFile(side.connector, found), folder=above)


def _lacking(connector: Connector, path: str) -> Entry:
    """A folder that is not there, for a plan: whoever lists it hears `NotFound`, or sees nothing."""
    at = ItemId("")
    for name in [name for name in path.split("/") if name]:
        implied = (
            cast("ImpliesFolders", connector).folder_at(at, name) if connector.caps & Cap.IMPLIED_FOLDERS else None
        )
        at = implied or ItemId(f"{at}/{name}" if at else name)
    return Entry(at, None, path.rpartition("/")[2], Kind.FOLDER)
