"""Large files in parts, in order, and on where they stopped after a crash.

SFTP tells how long the temporary file is, not which of its bytes are there, and some servers store requests out of order. So parts are
written strictly in order, and once the server has confirmed all of one, a single byte is put behind it: a part counts as there if
the file goes on behind it. The next part writes over that byte.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from mover.connectors._kit.paths import child
from mover.connectors.sftp.errors import translated
from mover.connectors.sftp.links import Links
from mover.connectors.sftp.names import entry_of, seconds_of, temporary
from mover.connectors.sftp.packets import OPEN_NEW, OPEN_OLD, Kind, Status, attrs_of, done, handle_of, string, writing
from mover.connectors.sftp.writing import FSYNC, Target, judged, replace, same_length
from mover.core.connector import Part, Upload
from mover.core.errors import BadOption, Damaged, MoverError, NotFound
from mover.core.model import Attributes, Body, Entry, ItemId

LARGE: Final = 64 << 20
"""From this size on a file is written in parts."""
PART: Final = 16 << 20
OPEN_UPLOADS: Final = 64
"""Uploads whose temporary file stays open between two parts; others are opened for each part."""


@dataclass(frozen=True, slots=True)
class _State:
    """All that is needed to go on, kept as JSON."""

    temporary: str
    folder: str
    name: str
    size: int
    modified: int | None

    @classmethod
    def read(cls, text: str) -> _State:
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise BadOption("this is no state of an SFTP upload", item="state") from error


class Parts:
    """The uploads of one connection."""

    def __init__(self, links: Links, path_of: Callable[[ItemId], bytes], *, flush: bool) -> None:
        self._links = links
        self._path_of = path_of
        self._flush = flush
        self._open: OrderedDict[str, Target] = OrderedDict()

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes) -> Upload:
        """Make the temporary file."""
        state = _State(temporary(folder, name, attributes.mark), folder, name, size, seconds_of(attributes))
        with translated(child(folder, name)):
            await self._target(state, OPEN_NEW)
        return Upload(json.dumps(asdict(state)), size, PART, 1)

    async def resume(self, text: str) -> Upload:
        """Ask how long the temporary file is. Raises `NotFound` if it is gone."""
        state = _State.read(text)
        with translated(state.temporary):
            channel = await self._links.channel()
            path = self._path_of(ItemId(state.temporary))
            there = attrs_of(await channel.ask(Kind.LSTAT, string(path))).size or 0
        whole = max(0, min(there, state.size) - 1) // PART
        return Upload(text, state.size, PART, 1, tuple(Part(n, PART, "") for n in range(whole)))

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        """Write one part at its place; its bytes have arrived when this returns."""
        state = _State.read(upload.state)
        item = child(ItemId(state.folder), state.name)
        due = min(PART, upload.size - number * PART)
        target = await self._opened(state)
        try:
            with translated(item):
                sent = await target.fill(body, state.name, number * PART)
                if sent == due and number * PART + sent < upload.size:
                    mark = writing(target.handle, number * PART + sent, b"\0")
                    done(await target.channel.ask(Kind.WRITE, mark))
                if self._flush and FSYNC in target.channel.extensions:
                    done(await target.channel.extended(FSYNC, string(target.handle)))
        except MoverError as error:
            self._forget(state)
            if isinstance(error.__cause__, Status):
                raise await judged(
                    target.channel, error.__cause__, self._path_of(ItemId(state.folder)), due, item
                ) from error
            raise
        if sent != due:
            raise Damaged(f"part {number} has {sent} bytes where {due} belong", item=item)
        return Part(number, sent, "")

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        """Give the file its time and its name. Raises `Damaged` if a part is missing."""
        state = _State.read(upload.state)
        numbers = {part.number for part in parts}
        if missing := set(range(-(-upload.size // PART))) - numbers:
            raise Damaged(f"part {min(missing)} was never written", item=state.name)
        folder = ItemId(state.folder)
        final = child(folder, state.name)
        target = await self._opened(state)
        self._open.pop(state.temporary, None)
        with translated(final):
            attrs = await target.seal(state.modified)
            same_length(attrs, upload.size, final)
            await replace(
                target.channel, target.path, self._path_of(final), lambda: self._path_of(temporary(folder, state.name))
            )
        return entry_of(final, attrs)

    async def abandon(self, upload: Upload) -> None:
        """Remove the temporary file."""
        state = _State.read(upload.state)
        self._forget(state)
        try:
            with translated(state.temporary):
                channel = await self._links.channel()
                done(await channel.ask(Kind.REMOVE, string(self._path_of(ItemId(state.temporary)))))
        except NotFound:
            return

    async def _opened(self, state: _State) -> Target:
        known = self._open.get(state.temporary)
        if known is not None and known.channel.lost is None:
            return known
        with translated(state.temporary):
            return await self._target(state, OPEN_OLD)

    async def _target(self, state: _State, how: bytes) -> Target:
        channel = await self._links.channel()
        path = self._path_of(ItemId(state.temporary))
        target = Target(channel, path, handle_of(await channel.ask(Kind.OPEN, string(path) + how)), self._flush)
        self._open[state.temporary] = target
        if len(self._open) > OPEN_UPLOADS:
            _close(self._open.popitem(last=False)[1])
        return target

    def _forget(self, state: _State) -> None:
        target = self._open.pop(state.temporary, None)
        if target is not None:
            _close(target)


def _close(target: Target) -> None:
    target.channel.tell(Kind.CLOSE, string(target.handle))
