"""The user as whom a runner works: never root, unless everything on the machine is to be moved."""

from __future__ import annotations

import os
import pwd
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mover.runner.confinement.kernel import call, said_of_us
from mover.runner.confinement.measure import Measure

NAME: Final = "privileges"
STATE: Final = "state"
SPOOL: Final = "spool"
"""Folders in the runner's own: what it tells of itself, and temporary files. No other is written to."""

USERS: Final = ("mover", "nobody")
"""As whom it works when root starts it: the first that this machine has."""

_OVERFLOW: Final = 65534
_OVER_FILES: Final = 0b11111
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER and CAP_FSETID (capabilities(7))."""

_VERSION: Final = 0x20080522
_FOR_FILES: Final = "local paths are allowed, so it stays root with rights over files only"
_CANNOT_ENTER: Final = 3
_SECONDS: Final = 60
_TRY: Final = f"import os, sys, mover.runner.runner; sys.exit({_CANNOT_ENTER} * (not os.access(sys.argv[1], os.X_OK)))"


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine."""

    uid: int
    gid: int
    name: str


_ROOT: Final = User(0, 0, "root")


def dropped(folder: Path, *, everything: bool) -> Measure:
    """Give up root and all capabilities, with the runner's folders handed over before. `everything`: root stays, for files only.

    Raises:
        OSError: the folders cannot be made.
    """
    for place in (folder / STATE, folder / SPOOL):
        place.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return _without_capabilities(f"user {_name(os.geteuid())}")
    user = _user()
    problem = _FOR_FILES if everything else _hindrance(user, folder)
    for place in (folder / STATE, folder / SPOOL):
        _hand_over(place, _ROOT if problem else user)
    if problem:
        return _root_for_files(problem)
    folder.chmod(0o711)  # the user passes through to what is theirs, and sees nothing else
    try:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except PermissionError as refused:
        return _root_for_files(f"root may not become user {user.name} here ({refused.strerror})")
    return _without_capabilities(f"user {user.name}, in none of root's groups")


def _user() -> User:
    for name in USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(found.pw_uid, found.pw_gid, name)
    return User(_OVERFLOW, _OVERFLOW, str(_OVERFLOW))  # a container of the barest kind; this one needs no entry


def _hindrance(user: User, folder: Path) -> str:
    """What keeps the user from working; empty if nothing does."""
    try:
        tried = subprocess.run(  # noqa: S603  # our own words, and a path of the operator's
            [sys.executable, "-c", _TRY, str(folder.parent)],
            user=user.uid,
            group=user.gid,
            extra_groups=(),
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as problem:
        return f"it stays root: user {user.name} cannot be tried ({type(problem).__name__})"
    if tried.returncode == _CANNOT_ENTER:
        return f"it stays root: user {user.name} cannot enter {folder.parent}; choose a folder such as /var/lib/mover"
    if tried.returncode != 0:
        return f"it stays root: user {user.name} cannot use Mover as installed in {sys.prefix}"
    return ""


def _hand_over(place: Path, user: User) -> None:
    for path in (place, *place.iterdir()):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def _root_for_files(why: str) -> Measure:
    try:
        _keep(_OVER_FILES)
    except OSError as problem:
        return Measure(NAME, "no", f"{why}; other capabilities stay too: {problem.strerror}")
    return Measure(NAME, "no", why)


def _without_capabilities(who: str) -> Measure:
    try:
        _keep(0)
    except OSError as problem:
        return Measure(NAME, "partly", f"{who}, but capabilities stay: {problem.strerror}")
    if os.getresuid().count(0) or int(said_of_us("CapPrm") or "0", 16):
        return Measure(NAME, "no", f"{who}, but the kernel kept rights of root")
    return Measure(NAME, "yes", f"{who}, without capabilities")


def _keep(capabilities: int) -> None:
    """Give up all other capabilities (capset(2)). Ambient ones go with those that may be inherited (capabilities(7))."""
    held = int(said_of_us("CapPrm") or "0", 16) & capabilities
    call("capset", struct.pack("=Ii", _VERSION, 0), struct.pack("=6I", held, held, 0, 0, 0, 0))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
