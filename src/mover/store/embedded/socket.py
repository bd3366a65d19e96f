"""Where the server's socket lies: in the database's folder, or behind a link where that path is too long for a socket."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from mover.core.errors import DatabaseUnfit
from mover.store.embedded.account import Account
from mover.store.embedded.folder import Folder, private

_NAME: Final = ".s.PGSQL.5432"
_LONGEST: Final = 107
"""Bytes of a socket's path, less the closing zero (unix(7), sun_path)."""

_PREFIX: Final = "mover-"
_INNER: Final = "s"


def made(folder: Folder, user: Account, elsewhere: Path) -> Path:
    """An empty folder for the socket, which the server's user alone may enter; what an earlier server left is gone.

    `elsewhere` is a folder with a short path (/tmp), used if the database's own is too long.

    Raises:
        DatabaseUnfit: both are too long.
    """
    removed(folder)
    if _fits(folder.socket):
        private(folder.socket, user)
        return folder.socket
    ours = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=elsewhere))
    if not _fits(ours / _INNER):
        ours.rmdir()
        raise DatabaseUnfit(
            f"the path of a socket may have {_LONGEST} bytes, and {folder.socket / _NAME} has more",
            advice="Choose a folder for Mover with a shorter path.",
        )
    # Two folders: the server's user could replace one that is theirs by a link, and we remove what is in it.
    ours.chmod(0o711)
    user.folder(ours / _INNER)
    folder.socket.symlink_to(ours / _INNER)
    return ours / _INNER


def removed(folder: Folder) -> None:
    """Remove the socket's folder, and the link to it."""
    if folder.socket.is_symlink():
        target = folder.socket.readlink().parent
        folder.socket.unlink(missing_ok=True)
        if target.name.startswith(_PREFIX):
            shutil.rmtree(target, ignore_errors=True)
    else:
        shutil.rmtree(folder.socket, ignore_errors=True)


def emptied(place: Path) -> None:
    """Remove a socket that nobody serves, and its lock: PostgreSQL would take a recycled process number in it for a live server."""
    for path in place.iterdir():
        path.unlink(missing_ok=True)


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _NAME)) <= _LONGEST
