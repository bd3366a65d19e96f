"""Files that are nobody else's business: private, whole or not there, changed by one process at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mover.core.errors import BadOption


def private_folder(folder: Path) -> None:
    """Make the folder (mode 0700) if it is not there.

    Raises:
        BadOption: it is another user's, or others may use it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_others(folder, folder.lstat(), "chmod 700")


def read_private(file: Path) -> bytes | None:
    """The file's bytes; `None` if there is none.

    Raises:
        BadOption: it is another user's, no plain file, or others may use it.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadOption(f"the key file {file} cannot be read: {error.strerror}", item="vault") from error
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadOption(f"the key file {file} is no plain file", item="vault")
        _refuse_others(file, found, "chmod 600")
        return opened.read()


def write_private(file: Path, data: bytes) -> None:
    """Replace the file's content (mode 0600), on the disk when this returns: a crash leaves the old one or the new one."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(descriptor)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _settle(file.parent)


def remove_private(file: Path) -> None:
    """Remove the file, on the disk too; one that is gone is no error."""
    file.unlink(missing_ok=True)
    _settle(file.parent)


@contextmanager
def locked(file: Path) -> Generator[None]:
    """Wait until no other process is in such a block with the same file."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refuse_others(path: Path, found: os.stat_result, remedy: str) -> None:
    if found.st_uid != os.geteuid():
        raise BadOption(f"{path} belongs to user {found.st_uid}, not to you", item="vault")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadOption(f"others may read {path}: take that away with `{remedy}`", item="vault")


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
