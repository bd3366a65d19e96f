"""The folder of the database: what lies where in it, whose it is, and that one Mover only works with it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mover.core.errors import DatabaseBusy, DatabaseUnfit
from mover.store.embedded.account import Account

_MAKING: Final = "new-"


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies in the folder."""

    root: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's own: mode 0700, of the user as whom the server runs."""
        return self.root / "data"

    def making(self) -> Path:
        """A new name for where `data` is made, so that it is there whole or not at all.

        Never the same twice: an initdb whose Mover was killed goes on for a moment, and clears away what it made, by its name.
        """
        return self.root / f"{_MAKING}{secrets.token_hex(4)}"

    def clear(self) -> None:
        """Remove what an interrupted first start left."""
        for path in self.root.glob(f"{_MAKING}*"):
            shutil.rmtree(path, ignore_errors=True)

    @property
    def socket(self) -> Path:
        """The folder of the socket, or a link to it."""
        return self.root / "socket"

    @property
    def passwords(self) -> Path:
        """One password a role; mode 0600."""
        return self.root / "passwords.json"

    @property
    def program(self) -> Path:
        """A copy of the programs, if one is needed."""
        return self.root / "program"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.root / "postgres.log"

    @property
    def lock(self) -> Path:
        """Locked by the Mover that works here; says who it is."""
        return self.root / "lock"

    def major(self) -> int | None:
        """The major version that made `data`; `None` if there is none yet.

        Raises:
            DatabaseUnfit: it does not say.
        """
        if not self.data.exists():
            return None
        try:
            return int((self.data / "PG_VERSION").read_text())
        except (OSError, ValueError) as error:
            raise DatabaseUnfit(
                f"{self.data} is no database of PostgreSQL: PG_VERSION is missing or unreadable",
                advice=f"Restore {self.root} from a backup, or move it away to begin with an empty database.",
            ) from error


def opened(root: Path) -> Folder:
    """The folder, made (mode 0700) if it is not there.

    Raises:
        DatabaseUnfit: it is another user's, or others may write to it.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = root.stat()
    except OSError as error:
        raise DatabaseUnfit(f"the database folder {root} cannot be made: {error.strerror}") from error
    if found.st_uid != os.geteuid():
        raise DatabaseUnfit(
            f"the database folder {root} belongs to user {found.st_uid}, and Mover runs as user {os.geteuid()}",
            advice="Start Mover as the user to whom the folder belongs, or choose another folder.",
        )
    _refuse_others(root, found, stat.S_IWGRP | stat.S_IWOTH, "chmod go-w")
    return Folder(root.resolve())


def checked(folder: Folder, user: Account) -> None:
    """Nothing: the server's user can enter the folder, and nobody else its data.

    Raises:
        DatabaseUnfit: it cannot, or others can.
    """
    if user.other:
        folder.root.chmod(0o711)
    if not user.enters(folder.root):
        raise DatabaseUnfit(
            f"Mover runs as root, so PostgreSQL must run as {user.name}, who cannot enter {folder.root}",
            advice="Put Mover's folder where every user may pass (/var/lib/mover), or run Mover as a plain user.",
        )
    if folder.data.exists():
        found = folder.data.stat()
        if found.st_uid != user.uid:
            raise DatabaseUnfit(
                f"{folder.data} belongs to user {found.st_uid}, and PostgreSQL would run as {user.name}",
                advice="Start Mover as the user to whom the folder belongs, or give the folder to this one (chown -R).",
            )
        _refuse_others(folder.data, found, stat.S_IRWXG | stat.S_IRWXO, "chmod 700")


@contextmanager
def held(folder: Folder) -> Generator[None]:
    """The folder is ours alone until the block ends, however it ends.

    Raises:
        DatabaseBusy: another Mover has it.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "a Mover that just started"
            raise DatabaseBusy(f"the database folder {folder.root} is in use by {who}") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {os.uname().nodename}\n".encode())
        yield
    finally:
        os.close(descriptor)


def private(path: Path, user: Account) -> None:
    """An empty folder of mode 0700 that belongs to the server's user; what was there is removed."""
    shutil.rmtree(path, ignore_errors=True)
    user.folder(path)


def _refuse_others(path: Path, found: os.stat_result, bits: int, remedy: str) -> None:
    if found.st_mode & bits:
        raise DatabaseUnfit(
            f"others may change or read {path} (mode {stat.S_IMODE(found.st_mode):o})",
            advice=f"Take that away with `{remedy} {path}`, after a look at who used it.",
        )
