"""Writes files under a temporary name beside their place; they get their own name when they are whole."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mover.connectors._kit.bodies import measured
from mover.connectors._kit.paths import child
from mover.connectors.local.errors import speaking_of
from mover.connectors.local.reading import SMALL
from mover.connectors.local.threads import settled
from mover.connectors.local.tree import Tree, entry_of, nanoseconds_of
from mover.core.model import Body, Entry, ItemId
from mover.core.temporary import temporary_name

NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file goes, the time it is given, whether to wait until the disk itself has it, and the mark in its temporary name."""

    folder: ItemId
    name: str
    modified: datetime | None
    flush: bool
    mark: str | None = None


async def written(tree: Tree, target: Target, body: Body) -> Entry:
    """Store a body whole or not at all. Raises `Damaged` if its length is not its size."""
    item, temporary = child(target.folder, target.name), temporary_name(target.mark)
    with ExitStack() as open_:
        with speaking_of(item):
            at = open_.enter_context(tree.folder(target.folder))
            file = os.open(temporary, NEW, 0o666, dir_fd=at)
        try:
            await fill(file, 0, body, item)
            return await named(file, at, temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=at)
            raise
        finally:
            os.close(file)


async def fill(file: int, start: int, body: Body, item: ItemId) -> int:
    """Write a body into an open file from `start` on; answers how many bytes. Raises `Damaged`, `Full`."""
    at = start
    async for piece in measured(body, item):
        if at - start + len(piece) <= SMALL:
            _write(file, at, piece, item)
        else:
            await settled(_write, file, at, piece, item)
        at += len(piece)
    return at - start


async def named(file: int, at: int, temporary: str, target: Target) -> Entry:
    """Give a whole file its time and its own name, in the open folder `at`; what was there is replaced."""
    with speaking_of(child(target.folder, target.name)):
        if target.modified is not None:
            os.utime(file, ns=(time.time_ns(), nanoseconds_of(target.modified)))
        if target.flush:
            await settled(os.fsync, file)
        os.rename(temporary, target.name, src_dir_fd=at, dst_dir_fd=at)
        if target.flush:
            await settled(os.fsync, at)
        return entry_of(os.fstat(file), target.folder, target.name)


def _write(file: int, at: int, piece: bytes, item: ItemId) -> None:
    rest = memoryview(piece)
    with speaking_of(item):
        while rest:
            count = os.pwrite(file, rest, at)
            rest, at = rest[count:], at + count
