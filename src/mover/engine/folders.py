"""Folders at the destination, made when the first thing goes into them and not before."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

from mover.core.connector import ImpliesFolders
from mover.core.model import ItemId
from mover.core.spec import Cap
from mover.engine.side import Side


class Folder:
    """A folder at the destination that may not be there yet.

    `id` is `None` until it is known. `path` is below the run's destination folder.
    """

    def __init__(self, side: Side, parent: Folder | None, name: str, id_: ItemId | None) -> None:
        self._side = side
        self.parent = parent
        self.making = asyncio.Lock()
        self.name = name
        self.id: ItemId | None = id_
        self.path: str = name if parent is None or not parent.path else f"{parent.path}/{name}"
        self.exists = id_ is not None

    def child(self, name: str, id_: ItemId | None) -> Folder:
        """A folder in this one; `id_` is `None` if the destination does not have it."""
        return Folder(self._side, self, name, id_)

    async def ensure(self, *, marked: bool = False) -> ItemId:
        """The id to write into; makes the folder, and those above it, where the provider wants that.

        With `marked` the folder itself is what is to be kept (it is empty), so it is made even where folders are implied.
        """
        for folder in self._missing():
            async with folder.making:
                if folder.id is None:
                    await folder.make(marked=False)
        if marked and not self.exists:
            async with self.making:
                if not self.exists:
                    await self.make(marked=True)
        return cast("ItemId", self.id)

    def _missing(self) -> list[Folder]:
        """The folders from the top down to this one whose ids are not known; a tree may be a thousand deep."""
        missing: list[Folder] = []
        at: Folder | None = self
        while at is not None and at.id is None:
            missing.append(at)
            at = at.parent
        return missing[::-1]

    async def make(self, *, marked: bool) -> None:
        """Make this folder, whose parent is there. Called by `ensure` only, one at a time."""
        if self.parent is None or self.parent.id is None:
            raise RuntimeError("the run's own folder is always there, and folders are made from the top down")
        above, connector = self.parent.id, self._side.connector
        if self._side.can(Cap.IMPLIED_FOLDERS) and not marked:
            self.id = cast("ImpliesFolders", connector).folder_at(above, self.name)
            if self.id is not None:
                return
        made = await self._side.call(partial(connector.make_folder, above, self.name))
        self.id, self.exists = made.id, True
