"""A server that an earlier Mover left behind when it was killed. It is ended before another one starts on the same data."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from pathlib import Path
from typing import Final

from mover.core.errors import DatabaseFailed
from mover.store.embedded.account import Account
from mover.store.embedded.folder import Folder

_PATIENCE: Final = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 30.0))
"""Fast shutdown, then immediate shutdown, and how many seconds each may take (postgresql.org/docs/18/server-shutdown.html)."""

_POLL_SECONDS: Final = 0.05


async def end_leftover(folder: Folder, user: Account) -> bool:
    """End the server that still runs on `data`; whether there was one. Only to be called by who holds the folder's lock.

    The number in `postmaster.pid` may meanwhile be another process's: only a process that is a `postgres` on this very folder is
    touched. If there is none the file is removed, because PostgreSQL itself would refuse to start beside that process, or beside a
    file that a crash of the machine left empty.

    Raises:
        DatabaseFailed: it does not end.
    """
    note = folder.data / "postmaster.pid"
    if not note.exists():
        return False
    pid = _noted(note)
    for one in _everybody() if pid is None else [pid]:
        if await _end_if_ours(one, folder.data, user):
            return True
    note.unlink(missing_ok=True)
    return False


async def _end_if_ours(pid: int, data: Path, user: Account) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # The descriptor is of whoever has the number now, and stays so: what is true of it here is true when the signal goes out.
        if not _serves(pid, data, user):
            return False
        await _end(descriptor, pid)
    finally:
        os.close(descriptor)
    return True


async def _end(descriptor: int, pid: int) -> None:
    for how, seconds in _PATIENCE:
        try:
            signal.pidfd_send_signal(descriptor, how)
        except ProcessLookupError:
            return
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            if select.select([descriptor], [], [], 0)[0]:
                return
            await asyncio.sleep(_POLL_SECONDS)
    raise DatabaseFailed(
        f"the PostgreSQL of an earlier Mover (process {pid}) does not end",
        advice=f"Look why (its disk may hang); `kill -QUIT {pid}` ends it at once, and nothing is lost by that.",
    )


def _noted(note: Path) -> int | None:
    """The first line is the process's number."""
    try:
        number = int(note.read_text("ascii", "replace").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return number if number > 1 else None


def _everybody() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _serves(pid: int, data: Path, user: Account) -> bool:
    """Whether the process is a postmaster on `data`. It works in that folder (PostgreSQL's ChangeToDataDir), and its command names it."""
    process = Path(f"/proc/{pid}")
    try:
        if process.stat().st_uid != user.uid or (process / "comm").read_text().strip() != "postgres":
            return False
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    try:
        return (process / "cwd").samefile(data)
    except PermissionError:  # root without CAP_SYS_PTRACE (containers) may not look there
        return os.fsencode(data) in words
    except OSError:
        return False
