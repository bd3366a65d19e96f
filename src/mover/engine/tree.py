"""Finding one's way in a connection by path."""

from __future__ import annotations

from functools import partial
from typing import cast

from mover.core.connector import Finds, ImpliesFolders
from mover.core.errors import Conflict, NotFound
from mover.core.model import Entry, Kind
from mover.core.spec import Cap
from mover.engine.side import Side, listing


async def find(side: Side, path: str) -> Entry:
    """The item at a "/"-joined path below the side's folder; "" is that folder.

    Raises:
        NotFound: there is none; the text says how far the path holds.
        Conflict: several items have that path.
    """
    names = [name for name in path.split("/") if name]
    if not names:
        return side.folder
    if side.can(Cap.FIND) and not side.folder.id:
        return await side.call(partial(cast("Finds", side.connector).find, "/".join(names)))
    at = side.folder
    for depth, name in enumerate(names):
        found = [entry for entry in await listing(side, at.id) if entry.name == name]
        if not found:
            raise NotFound(f"there is no {name} in /{'/'.join(names[:depth])}", item=path)
        if len(found) > 1:
            raise Conflict(f"there are {len(found)} items named {name} in /{'/'.join(names[:depth])}", item=path)
        at = found[0]
    return at


async def make_folders(side: Side, path: str) -> Entry:
    """The folder at a path, made with all above it where it is missing.

    Raises:
        Conflict: a file stands in the way.
    """
    try:
        found = await find(side, path)
    except NotFound:
        return await _made(side, [name for name in path.split("/") if name])
    if found.kind is not Kind.FOLDER:
        raise Conflict(f"{found.kind.worded} stands there, not a folder", item=path)
    return found


async def _made(side: Side, names: list[str]) -> Entry:
    at = side.folder
    for name in names:
        implied = (
            cast("ImpliesFolders", side.connector).folder_at(at.id, name) if side.can(Cap.IMPLIED_FOLDERS) else None
        )
        if implied is not None:
            at = Entry(implied, at.id, name, Kind.FOLDER)
        else:
            at = await side.call(partial(side.connector.make_folder, at.id, name))
    return at
