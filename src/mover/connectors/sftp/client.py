"""The SFTP connector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from mover.connectors._kit.paths import ROOT, child
from mover.connectors.sftp.channel import Channel
from mover.connectors.sftp.errors import TABLE, translated
from mover.connectors.sftp.links import Links
from mover.connectors.sftp.listing import Listings, target_of
from mover.connectors.sftp.names import below, encoded, entry_of, kind_of, seconds_of, temporary
from mover.connectors.sftp.packets import (
    OPEN_NEW,
    Attrs,
    Kind,
    Status,
    attrs_of,
    done,
    handle_of,
    names_of,
    space_of,
    string,
    times,
)
from mover.connectors.sftp.parts import LARGE, PART, Parts
from mover.connectors.sftp.reading import WHOLE, download
from mover.connectors.sftp.settings import connections_of, ssh_settings
from mover.connectors.sftp.spec import SPEC
from mover.connectors.sftp.writing import STATVFS, Target, is_folder, judged, replace, same_length
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import Conflict, MoverError, NotFound, Refused, Unfit, Unsupported
from mover.core.model import Algorithm, Attributes, Body, Cursor, Download, Entry, ItemId, Page, Quota
from mover.core.model import Kind as ItemKind
from mover.core.options import Options
from mover.core.spec import Cap

CLEANING_SECONDS: Final = 10.0
"""How long removing an unfinished file may hold up what comes next."""


class Sftp:
    """One account on one server. Ids are paths below the folder that the connection begins in."""

    def __init__(self, links: Links, base: bytes, caps: Cap, *, flush: bool) -> None:
        self.caps: Cap = caps
        self._links = links
        self._base = base
        self._flush = flush
        self._listings = Listings(self._path)
        self._parts = Parts(links, self._path, flush=flush)
        self._cleaning: set[asyncio.Task[None]] = set()

    async def root(self) -> Entry:
        with translated(""):
            attrs = await self._stat(self._base)
        if not is_folder(attrs):
            raise Conflict(f"{self._base.decode(errors='replace')} is no folder")
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        return await self._listings.page(await self._links.channel(), folder, after)

    async def find(self, path: str) -> Entry:
        if not path:
            return await self.root()
        item = ItemId(path)
        with translated(item):
            channel, where = await self._links.channel(), self._path(item)
            attrs = attrs_of(await channel.ask(Kind.LSTAT, string(where)))
            target = await target_of(channel, where) if kind_of(attrs) is ItemKind.LINK else None
        return entry_of(item, attrs, target)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        if item.kind not in (ItemKind.FILE, ItemKind.LINK):
            raise Refused("only files have bytes to read", item=item.id)
        async with download(await self._links.channel(), self._path(item.id), item, start, end) as got:
            yield got

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        final, part = child(folder, name), temporary(folder, name, attributes.mark)
        channel, path = await self._links.channel(), self._path(part)
        handle: bytes | None = None
        with translated(final):
            try:
                handle = handle_of(await channel.ask(Kind.OPEN, string(path) + OPEN_NEW))
                target = Target(channel, path, handle, self._flush)
                attrs = await _filled(target, body, name, seconds_of(attributes))
                await replace(channel, path, self._path(final), lambda: self._path(temporary(folder, name)))
            except Status as status:
                error = await judged(channel, status, self._path(folder), body.size or 1, final)
                await self._discard(channel, path, handle)
                raise error from status
            except BaseException:
                await self._discard(channel, path, handle)
                raise
        return entry_of(final, attrs)

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        item = child(folder, name)
        with translated(item):
            channel, path = await self._links.channel(), self._path(item)
            try:
                done(await channel.ask(Kind.MKDIR, string(path) + b"\0\0\0\0"))
            except Status as status:
                with suppress(Status):
                    there = await self._stat(path)
                    if is_folder(there):
                        return entry_of(item, there)
                    raise Conflict("a file stands there", item=item) from status
                raise
        return Entry(item, folder, name, ItemKind.FOLDER)

    async def remove(self, item: ItemId) -> None:
        if not item:
            raise Refused("the folder that the connection begins in is never removed")
        with translated(item):
            channel, path = await self._links.channel(), string(self._path(item))
            try:
                done(await channel.ask(Kind.REMOVE, path))
            except Status as status:
                try:
                    there = attrs_of(await channel.ask(Kind.LSTAT, path))
                except Status:
                    there = None
                if there is None:
                    if _is_absent(status):
                        return
                    raise
                if not is_folder(there):
                    raise
                await self._remove_folder(channel, path, item)

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        final = child(folder, name)
        with translated(item):
            channel, path = await self._links.channel(), self._path(final)
            await replace(channel, self._path(item), path, lambda: self._path(temporary(folder, name)))
            attrs = attrs_of(await channel.ask(Kind.LSTAT, string(path)))
        return entry_of(final, attrs)

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        seconds = seconds_of(Attributes(modified=modified))
        if seconds is None:
            raise Unfit(f"SFTP holds times from 1970 to 2106, not {modified.isoformat()}", item=item)
        with translated(item):
            channel = await self._links.channel()
            done(await channel.ask(Kind.SETSTAT, string(self._path(item)) + times(seconds)))

    async def quota(self) -> Quota:
        if Cap.QUOTA not in self.caps:
            raise Unsupported("this server does not tell how much room it has")
        with translated(""):
            channel = await self._links.channel()
            space = space_of(await channel.extended(STATVFS, string(self._base)))
        return Quota(space.total - space.free, space.total, space.available)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return SPEC.digests

    def part_size(self, size: int) -> int | None:
        return PART if size >= LARGE else None

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        return await self._parts.begin(folder, name, size, attributes)

    async def resume(self, state: str) -> Upload:
        return await self._parts.resume(state)

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        return await self._parts.write_part(upload, number, body)

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        return await self._parts.finish(upload, parts)

    async def abandon(self, upload: Upload) -> None:
        await self._parts.abandon(upload)

    async def close(self) -> None:
        """Wait a moment for what is being cleaned up, then end the connections."""
        if self._cleaning:
            await asyncio.wait(self._cleaning, timeout=CLEANING_SECONDS)
        await self._links.close()

    def _path(self, item: ItemId) -> bytes:
        return below(self._base, item)

    async def _stat(self, path: bytes) -> Attrs:
        channel = await self._links.channel()
        return attrs_of(await channel.ask(Kind.STAT, string(path)))

    async def _remove_folder(self, channel: Channel, path: bytes, item: ItemId) -> None:
        try:
            done(await channel.ask(Kind.RMDIR, path))
        except Status as status:
            if _is_absent(status):
                return
            handle = handle_of(await channel.ask(Kind.OPENDIR, path))
            names = names_of(await channel.ask(Kind.READDIR, string(handle)))
            channel.tell(Kind.CLOSE, string(handle))
            if {name for name, _ in names} - {b".", b".."}:
                raise Conflict("the folder is not empty", item=item) from status
            raise

    async def _discard(self, channel: Channel, path: bytes, handle: bytes | None) -> None:
        """Remove an unfinished file, even if the caller is being cancelled or the connection is gone."""
        task = asyncio.create_task(self._removed(channel, path, handle))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        await asyncio.wait({task}, timeout=CLEANING_SECONDS)

    async def _removed(self, channel: Channel, path: bytes, handle: bytes | None) -> None:
        with suppress(Status, MoverError):  # the error that led here matters more
            if channel.lost is not None:
                channel = await self._links.channel()
            elif handle is not None:
                channel.tell(Kind.CLOSE, string(handle))
            done(await channel.ask(Kind.REMOVE, string(path)))


async def _filled(target: Target, body: Body, name: str, modified: int | None) -> Attrs:
    if body.whole is not None and len(body.whole) <= WHOLE and body.size in (None, len(body.whole)):
        sent = len(body.whole)
        attrs = await target.seal(modified, target.begin_small(body.whole))
    else:
        sent = await target.fill(body, name)
        attrs = await target.seal(modified)
    same_length(attrs, sent, name)
    return attrs


def _is_absent(status: Status) -> bool:
    return TABLE.get(status.code) is NotFound


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[Sftp]:
    """Sign in, find the folder to begin in, and learn what the server can do."""
    links = Links(ssh_settings(options), connections_of(options))
    client: Sftp | None = None
    try:
        channel = await links.channel()
        base = await _base(channel, options.text("path") or "")
        caps = SPEC.caps if await _tells_space(channel, base) else SPEC.caps & ~Cap.QUOTA
        client = Sftp(links, base, caps, flush=options.switch("flush"))
        yield client
    finally:
        await (client or links).close()


async def _tells_space(channel: Channel, base: bytes) -> bool:
    """Whether the server tells how much room it has; pkg/sftp (rclone) names the extension and then refuses it."""
    if STATVFS not in channel.extensions:
        return False
    reply = await channel.extended(STATVFS, string(base))
    return reply.kind == Kind.EXTENDED_REPLY


async def _base(channel: Channel, path: str) -> bytes:
    """The absolute path of the folder to begin in; `~/` and relative paths begin in the home folder."""
    home, _, rest = path.partition("/")
    wanted = rest if home == "~" else path
    with translated(path):
        names = names_of(await channel.ask(Kind.REALPATH, string(encoded(wanted or "."))))
    if not names:
        raise Refused("the server does not tell where the folder is", item=path)
    return names[0][0].rstrip(b"/") or b"/"
