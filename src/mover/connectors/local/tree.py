"""The folders below one root, opened name by name, so that no link leads out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from mover.connectors._kit.paths import child
from mover.core.model import Entry, ItemId, Kind

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Looking up a member of an enum is slow in Python 3.11, and listings do it once per file.
_FILE: Final = Kind.FILE
_OTHER: Final = Kind.OTHER
_KINDS: Final = {stat.S_IFREG: _FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.LINK}


class Tree:
    """A root folder, held open. All calls block; all raise `OSError`, or `Unfit` for ids that are no ids."""

    def __init__(self, path: str) -> None:
        self.root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of the root."""
        os.close(self.root)

    @contextmanager
    def folder(self, folder: ItemId) -> Generator[int]:
        """The folder, open while the block lasts; its parts are opened one by one and none may be a link."""
        at = self.root
        try:
            for name in folder.split("/") if folder else ():
                child(ItemId(""), name)
                below = os.open(name, FOLDER, dir_fd=at)
                if at != self.root:
                    os.close(at)
                at = below
            yield at
        finally:
            if at != self.root:
                os.close(at)

    @contextmanager
    def place(self, item: ItemId) -> Generator[tuple[int, str]]:
        """The folder that the item lies in, open, and its name there; for the root, itself and "."."""
        above, _, name = item.rpartition("/")
        if item:
            child(ItemId(""), name)
        with self.folder(ItemId(above)) as at:
            yield at, name or "."


def entry_at(at: int, folder: ItemId, name: str) -> Entry:
    """The item of that name in the open folder `at`, which is `folder`. Raises `OSError`."""
    info = os.stat(name, dir_fd=at, follow_symlinks=False)
    target = os.readlink(name, dir_fd=at) if stat.S_ISLNK(info.st_mode) else None
    return entry_of(info, folder, name, target)


def entry_of(info: os.stat_result, folder: ItemId, name: str, target: str | None = None) -> Entry:
    """The entry that a file's status stands for."""
    kind = _KINDS.get(stat.S_IFMT(info.st_mode), _OTHER)
    file = kind is _FILE
    return Entry(
        ItemId(f"{folder}/{name}" if folder else name),
        folder,
        name,
        kind,
        info.st_size if file else None,
        time_of(info.st_mtime_ns),
        version=version_of(info) if file else None,
        target=target,
    )


def version_of(info: os.stat_result) -> str:
    """What changes whenever a file is written or replaced: its time, size and inode."""
    return f"{info.st_mtime_ns:x}-{info.st_size:x}-{info.st_ino:x}"


def time_of(nanoseconds: int) -> datetime | None:
    """The time of so many nanoseconds since 1970, to the microsecond; `None` if no calendar has it."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def nanoseconds_of(time: datetime) -> int:
    """The opposite of `time_of`, without the rounding of a float."""
    return (time - EPOCH) // timedelta(microseconds=1) * 1000
