"""Symbolic links: left out with a reason, or followed on request, never in a circle and never out of the source."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from mover.core.connector import Finds
from mover.core.errors import ItemError, NotFound
from mover.core.model import Entry, Kind
from mover.core.spec import Cap
from mover.core.states import State
from mover.engine.plan import Planner
from mover.engine.planned import Place
from mover.engine.side import Side


class Links:
    """What the scan does with links."""

    def __init__(self, source: Side, planner: Planner, *, follow: bool) -> None:
        self._source = source
        self._planner = planner
        self._follow = follow and source.can(Cap.FIND)

    async def resolved(self, place: Place, found: Sequence[Entry]) -> list[Entry]:
        """The entries of a folder, with each followed link replaced by what it points to, under the link's name."""
        if not self._follow:
            return list(found)
        entries: list[Entry] = []
        for entry in found:
            if entry.kind is not Kind.LINK:
                entries.append(entry)
            elif (meant := await self._target(place, entry)) is not None:
                entries.append(meant)
        return entries

    async def _target(self, place: Place, link: Entry) -> Entry | None:
        try:
            return await self._followed(place, link)
        except ItemError as problem:
            self._leave_out(place, link, f"the link to {link.target} cannot be followed: {problem.detail}")
            return None

    async def _followed(self, place: Place, link: Entry) -> Entry | None:
        """Follow the link to its end; links may point to links, but not for ever."""
        at = link
        for _ in range(_MOST_STEPS):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(at.id), at.target or ""))
            if path.startswith(("/", "..")):
                self._leave_out(place, link, f"the link points to {link.target}, outside the connection")
                return None
            connector = cast("Finds", self._source.connector)
            at = await self._source.call(partial(connector.find, path))
            if at.kind is not Kind.LINK:
                break
        else:
            raise NotFound("links that point to one another")
        if at.kind is Kind.FOLDER and any(_holds(at.id, id_) for id_ in (place.entry.id, *place.came_from)):
            self._leave_out(place, link, f"the link to {link.target} leads back to a folder it lies in")
            return None
        return replace(at, name=link.name)

    def _leave_out(self, place: Place, link: Entry, detail: str) -> None:
        path = place.below(link.name)
        self._planner.count(link)
        self._planner.drop(link, (path, ""), State.FILTERED, "link-not-followed", detail)


_MOST_STEPS = 40  # as Linux


def _holds(folder: str, item: str) -> bool:
    return item == folder or item.startswith(f"{folder}/") or not folder
