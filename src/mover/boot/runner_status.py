"""What a runner tells of itself, in a file of its folder: how it is confined, and when it last heard from its server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from mover.core.clock import Clock
from mover.core.errors import RecordDamaged, UnknownThing
from mover.runner.confinement.measure import Measure
from mover.runner.confinement.privileges import STATE
from mover.runner.control_plane import ControlPlane
from mover.wire.messages import JournalAnswer, JournalRequest, LeaseAnswer, LeaseRequest

FILE: Final = "status.json"
LOCK: Final = "running"
EVERY: Final = 5.0
"""Seconds between two notes of the last contact."""

_LARGEST: Final = 1 << 20
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_FLOCK: Final = "hhqqi"
"""struct flock of fcntl(2) on 64-bit Linux: type, whence, start, length, process."""


class Status(msgspec.Struct, frozen=True):
    """Times are seconds since 1970, UTC; `last_contact` is right to `EVERY` seconds, `None` before the first answer."""

    server: str
    runner: str
    process: int
    started: float
    last_contact: float | None
    measures: list[Measure]


@dataclass(frozen=True, slots=True)
class Found:
    """What the file says, and whether the runner that wrote it runs now."""

    status: Status
    running: bool


class StatusFile:
    """Writes it, mode 0600, and holds a lock beside it while this process lives. Made by `begun`."""

    def __init__(self, folder: Path, status: Status, clock: Clock) -> None:
        self._folder = folder / STATE
        self._status = status
        self._clock = clock
        self._noted = float("-inf")
        self._lock = os.open(self._folder / LOCK, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.fcntl(self._lock, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
        self._write()

    @classmethod
    def begun(cls, folder: Path, server: str, runner: str, measures: Sequence[Measure], clock: Clock) -> Self:
        """The file of a runner that begins. Raises `OSError`."""
        now = clock.now().timestamp()
        return cls(folder, Status(server, runner, os.getpid(), now, None, list(measures)), clock)

    def contact(self) -> None:
        """The server answered just now."""
        now = self._clock.monotonic()
        if now - self._noted >= EVERY:
            self._noted = now
            self._status = msgspec.structs.replace(self._status, last_contact=self._clock.now().timestamp())
            with contextlib.suppress(OSError):  # a full disk is no reason to stop
                self._write()

    def _write(self) -> None:
        """Whole or not at all for whoever reads; it need not outlive the machine, so nothing waits for the disk."""
        new = self._folder / f".{FILE}.{os.getpid()}"
        with os.fdopen(os.open(new, _WRITE, 0o600), "wb") as opened:
            opened.write(msgspec.json.encode(self._status))
        new.replace(self._folder / FILE)


class Noting:
    """The control plane, with a note of each answer."""

    def __init__(self, plane: ControlPlane, file: StatusFile) -> None:
        self._plane = plane
        self._file = file

    async def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """See `ControlPlane`."""
        answer = await self._plane.lease(request)
        self._file.contact()
        return answer

    async def journal(self, request: JournalRequest) -> JournalAnswer:
        """See `ControlPlane`."""
        answer = await self._plane.journal(request)
        self._file.contact()
        return answer


def status_of(folder: Path) -> Found:
    """What the runner of a folder told last.

    The file belongs to the user as whom the runner works: it is read as something that another wrote.

    Raises:
        UnknownThing: no runner was started there.
        RecordDamaged: the file is none of ours.
    """
    path = folder / STATE / FILE
    data = _read(path)
    if data is None:
        raise UnknownThing(f"no runner was started in {folder}", advice="Start it: `mover runner start`.")
    try:
        return Found(msgspec.json.decode(data, type=Status), _locked(folder / STATE / LOCK))
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise RecordDamaged(f"{path} is damaged", advice="Start the runner again.") from problem


def _read(path: Path) -> bytes | None:
    try:
        descriptor = _opened(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordDamaged(f"{path} is no plain file", advice="Look who put it there.")
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read(_LARGEST)


def _locked(path: Path) -> bool:
    """Whether a process holds the lock; it goes with the process, however that ends."""
    try:
        descriptor = _opened(path)
    except FileNotFoundError:
        return False
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
