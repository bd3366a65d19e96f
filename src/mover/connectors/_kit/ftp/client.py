"""The connector that `ftp` and `ftps` share: their promises on top, the work in threads below."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, StreamDownload, measured
from mover.connectors._kit.ftp import digests, files, folders
from mover.connectors._kit.ftp import parts as resuming
from mover.connectors._kit.ftp.describe import CAPS
from mover.connectors._kit.ftp.features import Features
from mover.connectors._kit.ftp.pool import Lease, Pool
from mover.connectors._kit.ftp.session import Session
from mover.connectors._kit.ftp.settings import Settings
from mover.connectors._kit.ftp.transfer import Incoming, Outgoing
from mover.connectors._kit.paths import ROOT, child
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import Changed, Damaged, MoverError, Unsupported
from mover.core.model import Algorithm, Attributes, Body, Cursor, Digest, Download, Entry, ItemId, Page
from mover.core.spec import Cap

WHOLE: Final = 1 << 20
"""Files up to this size, in bytes, are read in one go by one thread."""

CHUNK: Final = 1 << 20
"""Bytes of a piece of a larger one."""


class Ftp:
    """Files on an FTP server. Ids are paths below the connection's folder.

    A file arrives under a temporary name, and takes its own only when the server has as many bytes as were sent.
    """

    def __init__(self, pool: Pool, features: Features) -> None:
        self._pool = pool
        self._features = features
        self._whole_only = False
        self.caps: Cap = _caps(features)

    async def root(self) -> Entry:
        await self._pool.run(lambda session: session.command("NOOP"))
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:  # one page has all
        return Page(await self._pool.run(partial(folders.entries, folder=folder)))

    async def find(self, path: str) -> Entry:
        return await self._pool.run(partial(folders.find, item=ItemId(path.strip("/"))))

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        stop = item.size if end is None or item.size is None else min(end, item.size)
        stop = end if stop is None else stop
        to_end = (item.size is not None and stop == item.size) or end is None
        length = None if stop is None else max(stop - start, 0)
        if length is None or length > WHOLE:
            async with self._pool.lease() as lease, _streamed(lease, item, start, length, to_end=to_end) as download:
                yield download
            return
        data = await self._pool.run(lambda session: files.read_whole(session, item.id, start, length, to_end=to_end))
        yield BytesDownload(item, data)

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        item = child(folder, name)
        temporary: list[str] = []
        try:
            async with self._pool.lease() as lease:
                temporary.append(folders.beside(lease.session.path(item), attributes.mark))
                lease.session.wired(lease.session.path(item))
                size = await _sent(lease, temporary[0], body, name)
                return await lease.run(
                    lambda session: files.publish(session, temporary[0], item, size, attributes.modified)
                )
        except BaseException:
            for path in temporary:
                await self._pool.tidy(partial(files.discard, path=path))
            raise

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        return await self._pool.run(lambda session: folders.make(session, folder, name))

    async def remove(self, item: ItemId) -> None:
        await self._pool.run(partial(folders.remove, item=item))

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        new = child(folder, name)

        def work(session: Session) -> Entry:
            folders.rename(session, session.path(item), session.path(new))
            return folders.find(session, new)

        return await self._pool.run(work)

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        done = await self._pool.run(lambda session: folders.set_modified(session, session.path(item), modified))
        if not done:
            raise Unsupported("this server sets no times of folders, or not of this item", item=item)

    async def digest_of(self, item: Entry) -> Digest | None:
        return await self._pool.run(partial(digests.of, item=item.id))

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:  # none is told on writing
        return frozenset()

    def part_size(self, size: int) -> int | None:
        return None if self._whole_only else resuming.part_size(size)

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        item, wanted = child(folder, name), self.part_size(size) or size
        upload = await self._pool.run(lambda session: resuming.begin(session, item, size, wanted, attributes))
        self._whole_only |= upload.part_size > wanted
        return upload

    async def resume(self, state: str) -> Upload:
        return await self._pool.run(partial(resuming.resume, text=state))

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        name = f"part {number}"
        size = min(upload.part_size, upload.size - number * upload.part_size)
        if body.size not in (None, size):
            raise Damaged(f"part {number} has {body.size} bytes instead of {size}")
        async with self._pool.lease() as lease:
            outgoing = await lease.run(lambda session: resuming.open_part(session, upload, number))
            sent = await _streamed_out(lease, outgoing, body, name)
        if sent != size:
            raise Damaged(f"part {number} has {sent} bytes instead of {size}")
        return Part(number, size, str(number))

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:  # the server knows the size
        return await self._pool.run(partial(resuming.finish, upload=upload))

    async def abandon(self, upload: Upload) -> None:
        await self._pool.run(partial(resuming.abandon, upload=upload))


@asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[Ftp]:
    """Sign in once, to see that it works and what the server can do; leaving the context closes all connections."""
    pool = Pool(settings)
    try:
        features = await pool.run(lambda session: session.features)
        yield Ftp(pool, features)
    finally:
        await pool.close()


def _caps(features: Features) -> Cap:
    lacking = Cap.NONE
    if not features.restarts:
        lacking |= Cap.RANGED_READ
    if features.sets_times is None:
        lacking |= Cap.KEEPS_MODIFIED
    if not features.sets_folder_times:
        lacking |= Cap.SET_MODIFIED
    return CAPS & ~lacking


@asynccontextmanager
async def _streamed(
    lease: Lease, item: Entry, start: int, length: int | None, *, to_end: bool
) -> AsyncGenerator[Download]:
    """A file, or a range of it, piece by piece; a reader that leaves early leaves the connection in order."""
    incoming = await lease.run(lambda session: files.open_read(session, item.id, start))
    try:
        yield StreamDownload(item, length, lambda: _pieces(lease, incoming, length, to_end=to_end))
    except MoverError:
        await _stopped(lease, incoming)
        raise
    await _stopped(lease, incoming)


async def _pieces(lease: Lease, incoming: Incoming, length: int | None, *, to_end: bool) -> AsyncIterator[bytes]:
    while length is None or incoming.count < length or to_end:
        # At the end one byte more is asked for than should be there: a file that grew is noticed.
        left = CHUNK if length is None else length - incoming.count + (1 if to_end else 0)
        amount = min(CHUNK, left)
        piece = await lease.run(lambda _, amount=amount: incoming.take(amount))
        if length is not None and incoming.count > length:
            raise Changed("the file has more bytes than when it was listed", item=incoming.item)
        if piece:
            yield piece
        if len(piece) < amount:
            if length is not None and not to_end:
                raise Changed("the file has fewer bytes than when it was listed", item=incoming.item)
            await lease.run(lambda _: incoming.finish(expected=length))
            return


async def _sent(lease: Lease, path: str, body: Body, name: str) -> int:
    """Send a body to a new file; how many bytes it had."""
    data = body.whole
    if data is None:
        outgoing = await lease.run(partial(files.open_write, path=path))
        return await _streamed_out(lease, outgoing, body, name)
    if body.size is not None and body.size != len(data):
        raise Damaged(f"expected {body.size} bytes, got {len(data)}", item=name)
    await lease.run(partial(files.write_whole, path=path, data=data))
    return len(data)


async def _streamed_out(lease: Lease, outgoing: Outgoing, body: Body, name: str) -> int:
    try:
        async for chunk in measured(body, name):
            await lease.run(lambda _, chunk=chunk: outgoing.give(chunk))
    except MoverError:
        await _stopped(lease, outgoing)
        raise
    await lease.run(lambda _: outgoing.finish())
    return outgoing.count


async def _stopped(lease: Lease, transfer: Incoming | Outgoing) -> None:
    if transfer.open and lease.healthy:
        with suppress(MoverError):
            await lease.run(lambda _: transfer.stop())
