"""The spool's folder: ours alone, emptied at start, and the file in it that has no name."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from mover.core.errors import BadOption

_NAME: Final = re.compile(r"spool-[0-9a-f]{32}")
_ALLOWED: Final = frozenset({"lost+found"})
"""What a file system of its own has in its root."""
_NO_TMPFILE: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})


def open_file(folder: Path) -> int:
    """A new, empty file of mode 0600 without a name in `folder`, as an open descriptor; leftovers are erased first.

    A crash leaves nothing to find: the file vanishes with the process. The folder is made (0700) if it is not there.

    Raises:
        BadOption: the folder is another user's, open to others, no folder, or holds something that is not the spool's.
    """
    at = _own(folder)
    try:
        _empty(at, folder)
        return _nameless(at)
    except OSError as error:
        raise BadOption(f"the spool cannot use {folder}: {error.strerror}", item="spool") from error
    finally:
        os.close(at)


def _own(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise BadOption(f"the spool cannot use {folder}: {error.strerror}", item="spool") from error
    found = os.fstat(at)
    if found.st_uid != os.geteuid():
        os.close(at)
        raise BadOption(
            f"the spool's folder {folder} belongs to user {found.st_uid}: choose one of your own", item="spool"
        )
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        os.close(at)
        raise BadOption(f"others may use the spool's folder {folder}: take that away with `chmod 700`", item="spool")
    return at


def _empty(at: int, folder: Path) -> None:
    """Erase what a crash left; a file of another living process is only unnamed by this, never harmed."""
    names = os.listdir(at)
    strange = sorted(n for n in names if not _NAME.fullmatch(n) and n not in _ALLOWED)
    if strange:
        raise BadOption(
            f"{folder} holds {strange[0]!r}, which is not the spool's: choose an empty folder", item="spool"
        )
    for name in names:
        if name not in _ALLOWED:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=at)


def _nameless(at: int) -> int:
    mode = os.O_RDWR | os.O_CLOEXEC
    try:
        return os.open(".", mode | os.O_TMPFILE, 0o600, dir_fd=at)
    except OSError as error:
        if error.errno not in _NO_TMPFILE:
            raise
    name = f"spool-{secrets.token_hex(16)}"
    file = os.open(name, mode | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=at)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=at)
    return file
