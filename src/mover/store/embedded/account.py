"""The user as whom the server runs: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

_DEDICATED: Final = "mover"
_ANYBODY: Final = "nobody"
_SECONDS: Final = 60


class AsUser(TypedDict, total=False):
    """Arguments of `subprocess.Popen`."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine. `other` tells that it is not the one as whom Mover runs, so that files must be handed over."""

    uid: int
    gid: int
    name: str
    other: bool

    @property
    def arguments(self) -> AsUser:
        """What `subprocess.Popen` needs to start a program as this user, in none of root's groups."""
        return AsUser(user=self.uid, group=self.gid, extra_groups=()) if self.other else AsUser()

    def folder(self, path: Path) -> None:
        """Make a folder of this user's (mode 0700). What is above it must not be theirs: who owns that could put a link in its place."""
        path.mkdir(mode=0o700)
        if self.other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def write(self, path: Path, text: str) -> None:
        """Make a file of this user's (mode 0600), in place of what stands there."""
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            if self.other:
                os.fchown(descriptor, self.uid, self.gid)
            opened.write(text)

    def enters(self, folder: Path) -> bool:
        """Whether this user may go through the folder and all above it."""
        return _succeeds(["test", "-x", str(folder)], self) if self.other else os.access(folder, os.X_OK)

    def runs(self, program: Path) -> bool:
        """Whether this user can start the program; it is asked for its version."""
        return _succeeds([str(program), "--version"], self)


def account(data: Path) -> Account:
    """The user as whom to serve `data`: we, or if we are root its owner, else `mover` if there is such a user, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), _name(os.geteuid()), other=False)
    owner = data.stat().st_uid if data.exists() else 0
    found = _known(owner) if owner else _named(_DEDICATED) or _named(_ANYBODY)
    # A machine without `nobody` is a container of the barest kind; the kernel's overflow user needs no entry.
    return found or Account(owner or 65534, 65534, _name(owner or 65534), other=True)


def _known(uid: int) -> Account | None:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(found.pw_uid, found.pw_gid, found.pw_name, other=True)


def _named(name: str) -> Account | None:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(found.pw_uid, found.pw_gid, name, other=True)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _succeeds(command: list[str], user: Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  # our own words, and a path that we found
            command, capture_output=True, check=False, timeout=_SECONDS, cwd="/", **user.arguments
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
