"""Listing folders, page by page, however long they are."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mover.connectors._kit.paths import child
from mover.connectors.sftp.channel import Channel
from mover.connectors.sftp.errors import translated
from mover.connectors.sftp.names import decoded, entry_of, kind_of
from mover.connectors.sftp.packets import Attrs, Kind, Status, attrs_of, handle_of, names_of, string
from mover.core.errors import Changed
from mover.core.model import Cursor, Entry, ItemId, Page
from mover.core.model import Kind as ItemKind

PAGE: Final = 2000
"""Entries in a page."""
OPEN_LISTINGS: Final = 64
"""Folders that may be half-way listed at once; of more, the one left alone the longest begins anew when it is asked for."""
_TOGETHER: Final = 4
"""READDIRs on their way at once; OpenSSH answers each with 100 names."""


@dataclass(slots=True)
class _Listing:
    """A folder that is being listed: the entries given out so far, the last one's name, and those read ahead."""

    channel: Channel
    handle: bytes
    given: int = 0
    last: str = ""
    ready: deque[tuple[str, Attrs]] = field(default_factory=deque[tuple[str, Attrs]])
    ended: bool = False

    def close(self) -> None:
        self.channel.tell(Kind.CLOSE, string(self.handle))

    async def take(self, count: int) -> list[tuple[str, Attrs]]:
        """The next entries, up to `count`; fewer only at the end."""
        while len(self.ready) < count and not self.ended:
            for answer in [self.channel.ask(Kind.READDIR, string(self.handle)) for _ in range(_TOGETHER)]:
                names = names_of(await answer)
                self.ended = self.ended or not names
                self.ready.extend((decoded(n), a) for n, a in names if n not in (b".", b".."))
        taken = [self.ready.popleft() for _ in range(min(count, len(self.ready)))]
        if taken:
            self.given, self.last = self.given + len(taken), taken[-1][0]
        return taken

    @property
    def over(self) -> bool:
        return self.ended and not self.ready


class Listings:
    """The half-way listings of one connection.

    A cursor says how many entries were given out, and the last one's name. Usually the server's open folder is at hand and simply goes
    on; after a lost connection it is read again up to that place, and `Changed` is raised if another name stands there then.
    """

    def __init__(self, path_of: Callable[[ItemId], bytes]) -> None:
        self._path_of = path_of
        self._open: OrderedDict[tuple[ItemId, str], _Listing] = OrderedDict()

    async def page(self, channel: Channel, folder: ItemId, after: Cursor | None) -> Page:
        """One page. Raises `NotFound`, `Changed`."""
        with translated(folder):
            listing = self._open.pop((folder, after), None) if after else None
            if listing is None or listing.channel.lost is not None:
                listing = await self._begun(channel, folder, after)
            taken = await listing.take(PAGE)
            entries = await self._entries(listing.channel, folder, taken)
            while not listing.ended and not listing.ready:
                listing.ready.extend(await _peeked(listing))
        return Page(entries, self._kept(folder, listing))

    async def _begun(self, channel: Channel, folder: ItemId, after: Cursor | None) -> _Listing:
        listing = _Listing(channel, handle_of(await channel.ask(Kind.OPENDIR, string(self._path_of(folder)))))
        if after is not None:
            count, _, last = after.partition(":")
            for left in range(int(count), 0, -PAGE):
                await listing.take(min(PAGE, left))
            if (listing.given, listing.last) != (int(count), last):
                listing.close()
                raise Changed("the folder changed while it was listed: list it from the beginning", item=folder)
        return listing

    def _kept(self, folder: ItemId, listing: _Listing) -> Cursor | None:
        if listing.over:
            listing.close()
            return None
        cursor = Cursor(f"{listing.given}:{listing.last}")
        self._open[folder, cursor] = listing
        if len(self._open) > OPEN_LISTINGS:
            self._open.popitem(last=False)[1].close()
        return cursor

    async def _entries(self, channel: Channel, folder: ItemId, taken: list[tuple[str, Attrs]]) -> tuple[Entry, ...]:
        """The entries, with what links point to; an item whose kind the server left out is asked for by itself."""
        ids = [child(folder, name) for name, _ in taken]
        untold = [i for i, (_, attrs) in enumerate(taken) if attrs.mode is None]
        answers = [channel.ask(Kind.LSTAT, string(self._path_of(ids[i]))) for i in untold]
        attrs = [a for _, a in taken]
        for i, answer in zip(untold, answers, strict=True):
            attrs[i] = attrs_of(await answer)
        links = [i for i, a in enumerate(attrs) if kind_of(a) is ItemKind.LINK]
        targets = dict(
            zip(links, await asyncio.gather(*(target_of(channel, self._path_of(ids[i])) for i in links)), strict=True)
        )
        return tuple(entry_of(id_, a, targets.get(i)) for i, (id_, a) in enumerate(zip(ids, attrs, strict=True)))


async def _peeked(listing: _Listing) -> list[tuple[str, Attrs]]:
    names = names_of(await listing.channel.ask(Kind.READDIR, string(listing.handle)))
    listing.ended = not names
    return [(decoded(n), a) for n, a in names if n not in (b".", b"..")]


async def target_of(channel: Channel, path: bytes) -> str | None:
    """Where a link points to, as it is written there; `None` if the server does not tell."""
    try:
        names = names_of(await channel.ask(Kind.READLINK, string(path)))
    except Status:
        return None
    return decoded(names[0][0]) if names else None
