"""Reads files, and notices when one changes meanwhile."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, StreamDownload
from mover.connectors._kit.paths import name_of, parent_of
from mover.connectors.local.errors import speaking_of
from mover.connectors.local.threads import settled
from mover.connectors.local.tree import Tree, entry_of, version_of
from mover.core.errors import Changed, Conflict
from mover.core.model import Download, Entry, ItemId

SMALL: Final = 256 * 1024
"""Up to this many bytes are read and written at once and without a thread, which would cost more than it saves."""

PIECE: Final = 1024 * 1024

# Without O_NONBLOCK, opening a pipe that took the file's place would wait for a writer.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def opened(tree: Tree, item: Entry, start: int, end: int | None) -> Generator[Download]:
    """The bytes of a file from `start` up to `end`. Raises `NotFound`, `Changed`, `Conflict`, `Denied`."""
    with speaking_of(item.id), tree.place(item.id) as (at, name):
        file = _open(at, name)
    try:
        with speaking_of(item.id):
            info = os.fstat(file)
        _expect_same(item, info)
        entry = entry_of(info, parent_of(item.id) or ItemId(""), name_of(item.id))
        stop = info.st_size if end is None else min(end, info.st_size)
        size = max(0, stop - start)
        if size <= SMALL:
            data = _read(file, item.id, size, start)
            _expect_unchanged(file, item.id, info)
            yield BytesDownload(entry, data)
        else:
            yield StreamDownload(entry, size, lambda: _pieces(file, item.id, start, stop, info))
    finally:
        os.close(file)


def _open(at: int, name: str) -> int:
    # The source is never changed, its times of access neither; only a file's owner may ask for that.
    with contextlib.suppress(PermissionError):
        return os.open(name, _READ | os.O_NOATIME, dir_fd=at)
    return os.open(name, _READ, dir_fd=at)


def _expect_same(item: Entry, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise Conflict("it is no file (any more)", item=item.id)
    if item.version is not None and item.version != version_of(info):
        raise Changed("it was replaced or written since it was listed", item=item.id)


def _expect_unchanged(file: int, item: ItemId, before: os.stat_result) -> None:
    with speaking_of(item):
        now = os.fstat(file)
    if version_of(now) != version_of(before):
        raise Changed("it was written while it was read", item=item)


async def _pieces(file: int, item: ItemId, start: int, stop: int, info: os.stat_result) -> AsyncIterator[bytes]:
    while start < stop:
        piece = await settled(_read, file, item, min(PIECE, stop - start), start)
        start += len(piece)
        if start == stop:
            _expect_unchanged(file, item, info)
        yield piece


def _read(file: int, item: ItemId, size: int, start: int) -> bytes:
    """Exactly `size` bytes. Raises `Changed` if the file has become too short for that."""
    with speaking_of(item):
        data = os.pread(file, size, start) if size else b""
        while 0 < len(data) < size:
            more = os.pread(file, size - len(data), start + len(data))
            if not more:
                break
            data += more
    if len(data) != size:
        raise Changed("it became shorter while it was read", item=item)
    return data
