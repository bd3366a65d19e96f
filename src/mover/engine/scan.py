"""The scan: both trees folder by folder, several at once, deepest first, so that what waits stays small."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mover.core.errors import ItemError, NotFound
from mover.core.model import Entry
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.folders import Folder
from mover.engine.leftovers import Leftovers
from mover.engine.links import Links
from mover.engine.plan import Planner
from mover.engine.planned import Place, Planned
from mover.engine.side import Side, listing

Put = Callable[[Planned], Awaitable[None]]
Empty = Callable[[Folder], Awaitable[None]]


class Scan:
    """Walks the source beside the destination and puts what is to be copied on to the belts."""

    def __init__(
        self,
        source: Side,
        destination: Side,
        planner: Planner,
        links: Links,
        leftovers: Leftovers,
        *,
        scanners: int,
        control: Control,
    ) -> None:
        self._source = source
        self._destination = destination
        self._planner = planner
        self._links = links
        self._leftovers = leftovers
        self._scanners = scanners
        self._control = control
        self._waiting: list[Place] = []
        self._busy = 0
        self._news = asyncio.Condition()

    async def run(self, put: Put, empty: Empty) -> None:
        """Walk everything. `put` gets each planned file, `empty` each folder that has nothing in it; both may make the scan wait."""
        top = Folder(self._destination, None, "", self._destination.folder.id)
        self._waiting.append(Place(self._source.folder, "", top))
        async with asyncio.TaskGroup() as group:
            for _ in range(self._scanners):
                group.create_task(self._scanner(put, empty))

    async def _scanner(self, put: Put, empty: Empty) -> None:
        while (place := await self._next()) is not None:
            await self._one(place, put, empty)
            async with self._news:
                self._busy -= 1
                self._news.notify_all()

    async def _next(self) -> Place | None:
        async with self._news:
            while not self._waiting and self._busy:
                await self._news.wait()
            if not self._waiting or self._control.pausing:
                return None
            self._busy += 1
            return self._waiting.pop()

    async def _one(self, place: Place, put: Put, empty: Empty) -> None:
        try:
            found = await listing(self._source, place.entry.id)
        except ItemError as problem:
            if not place.path:
                raise
            self._planner.drop(place.entry, (place.path, ""), State.FAILED, problem.code, problem.detail)
            return
        found = await self._links.resolved(place, found)
        try:
            there = await self._there(place.folder)
        except ItemError as problem:
            if not place.path:
                raise
            detail = f"the folder at the destination cannot be listed: {problem.detail}"
            self._planner.drop(place.entry, (place.path, ""), State.FAILED, problem.code, detail)
            return
        plan = await self._planner.folder(place, found, there)
        if not found and place.path:
            await empty(place.folder)
        async with self._news:
            self._waiting += reversed(plan.folders)
            self._news.notify_all()
        for planned in plan.files:
            await put(planned)

    async def _there(self, folder: Folder) -> list[Entry]:
        if folder.id is None or not folder.exists:
            return []
        try:
            listed = await listing(self._destination, folder.id)
        except NotFound:
            return []
        return await self._leftovers.without(folder, listed)
