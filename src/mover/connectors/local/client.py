"""The connector for folders of this machine."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from mover.connectors._kit.paths import ROOT, child
from mover.connectors.local import parts as uploads
from mover.connectors.local.errors import meaning, speaking_of
from mover.connectors.local.listing import Listing
from mover.connectors.local.reading import opened
from mover.connectors.local.spec import SPEC
from mover.connectors.local.threads import settled
from mover.connectors.local.tree import Tree, entry_at, nanoseconds_of
from mover.connectors.local.writing import Target, written
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import BadOption, Conflict, NotFound, Unfit
from mover.core.model import Algorithm, Attributes, Body, Cursor, Download, Entry, ItemId, Kind, Page, Quota
from mover.core.options import Options
from mover.core.spec import Cap


class Local:
    """One folder of this machine and all below it. Ids are paths; symbolic links are shown, never followed."""

    caps: Cap = SPEC.caps

    def __init__(self, tree: Tree, *, flush: bool) -> None:
        self._tree = tree
        self._listing = Listing(tree)
        self._flush = flush

    async def root(self) -> Entry:
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        with speaking_of(folder):
            return await settled(self._listing.page, folder, after)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        with opened(self._tree, item, start, end) as download:
            yield download

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        return await written(self._tree, Target(folder, name, attributes.modified, self._flush, attributes.mark), body)

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        item = child(folder, name)
        with speaking_of(item), self._tree.folder(folder) as at:
            try:
                os.mkdir(name, dir_fd=at)
            except FileExistsError:
                entry = entry_at(at, folder, name)
                if entry.kind is not Kind.FOLDER:
                    raise Conflict(f"{entry.kind.worded} stands there", item=item) from None
                return entry
            return entry_at(at, folder, name)

    async def remove(self, item: ItemId) -> None:
        if not item:
            raise Conflict("the root of a connection is never removed", item=item)
        with speaking_of(item):
            try:
                with self._tree.place(item) as (at, name):
                    _removed(at, name)
            except FileNotFoundError:
                return

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:  # the protocol's
        return SPEC.digests

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        child(folder, name)
        with speaking_of(item), self._tree.place(item) as (old, old_name), self._tree.folder(folder) as new:
            os.rename(old_name, name, src_dir_fd=old, dst_dir_fd=new)
            return entry_at(new, folder, name)

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        times = (nanoseconds_of(modified), nanoseconds_of(modified))
        with speaking_of(item), self._tree.place(item) as (at, name):
            os.utime(name, ns=times, dir_fd=at, follow_symlinks=False)

    async def find(self, path: str) -> Entry:
        above, _, name = path.strip("/").rpartition("/")
        if not name:
            return ROOT
        try:
            with speaking_of(path), self._tree.place(ItemId(path.strip("/"))) as (at, _):
                return entry_at(at, ItemId(above), name)
        except (Conflict, Unfit):  # a part of the path is a file, or is no name: there is nothing at that path
            raise NotFound("there is nothing at that path", item=path) from None

    async def quota(self) -> Quota:
        with speaking_of(""):
            room = await settled(os.fstatvfs, self._tree.root)
        unit = room.f_frsize
        return Quota((room.f_blocks - room.f_bfree) * unit, room.f_blocks * unit, room.f_bavail * unit)

    def part_size(self, size: int) -> int | None:
        return uploads.PART if size > uploads.LARGE else None

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        return uploads.begun(self._tree, folder, name, size, attributes)

    async def resume(self, state: str) -> Upload:
        return uploads.resumed(self._tree, state)

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        return await uploads.part_written(self._tree, upload, number, body)

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        return await uploads.finished(self._tree, upload, parts, flush=self._flush)

    async def abandon(self, upload: Upload) -> None:
        uploads.abandoned(self._tree, upload)


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[Local]:
    """Hold the folder open. Raises `BadOption` if it is not there, is no folder, or may not be read."""
    path = options.must("path")
    try:
        tree = Tree(path)
    except OSError as error:
        raise BadOption(
            f"the folder {path} cannot be opened: {meaning(error, path).detail}",
            item="path",
            advice="Make the folder, let yourself read it, or give the connection another.",
        ) from error
    try:
        yield Local(tree, flush=options.switch("flush"))
    finally:
        tree.close()


def _removed(at: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=at)
    except IsADirectoryError:
        os.rmdir(name, dir_fd=at)
