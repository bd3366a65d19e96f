"""Witnesses keep checkpoints where whoever rules this machine cannot change them.

`FileWitness` writes to another disk, `timestamp.StampWitness` asks a time-stamping authority; a signed webhook is the service's own.
Whoever sends takes `audit_rows.unseen_checkpoint`, calls `keep`, and writes the receipt with `audit_rows.add_receipt`.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Final, Protocol, cast

from mover.audit.checkpoint import Checkpoint, LogKeys, open_checkpoint
from mover.audit.notes import LONGEST
from mover.core.clock import Clock, SystemClock
from mover.core.errors import LogDamaged, WitnessFailed

_LINE: Final = 4 * LONGEST
"""Bytes of a line: a note and its escapes, and a stamp."""

_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Receipt:
    """`witness` has a checkpoint since `at` (UTC); `proof` is what it gave for it, or empty."""

    witness: str
    at: datetime
    proof: bytes = b""


class Witness(Protocol):
    """Somebody outside who keeps checkpoints."""

    @property
    def name(self) -> str:
        """Its own, stable name among the witnesses of this log."""
        ...

    async def keep(self, note: str) -> Receipt:
        """Keep the signed checkpoint; it is safe outside when this returns. Keeping one again does no harm.

        Raises:
            WitnessFailed: it could not; try again later.
            LogDamaged: the witness has a checkpoint that does not go with this one.
        """
        ...


class FileWitness:
    """A file, best on another disk or machine, to which each checkpoint is appended and which is on the disk when `keep` returns.

    A line each, JSON: {"note": the signed checkpoint}. The folder is never made: an unmounted disk fails and is not written beside.
    """

    def __init__(self, path: Path, log: LogKeys, clock: Clock | None = None) -> None:
        self.name: Final = f"file:{path}"
        self._path = path
        self._log = log
        self._clock = clock or SystemClock()

    async def keep(self, note: str) -> Receipt:
        """See `Witness.keep`."""
        new = open_checkpoint(note, self._log)
        try:
            await asyncio.to_thread(self._append, note, new.size, new.root)
        except OSError as error:
            raise WitnessFailed(f"{self._path}: the checkpoint could not be kept: {error.strerror}") from error
        return Receipt(self.name, self._clock.now())

    def _append(self, note: str, size: int, root: bytes) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with FileIO(os.open(self._path, flags, _MODE), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            kept = self._last(file)
            if kept is not None and (kept.size > size or (kept.size == size and kept.root != root)):
                raise LogDamaged(
                    f"{self._path} has a checkpoint of {kept.size} entries that the log's checkpoint of {size} does not go on from"
                )
            if kept is None or kept.size < size:
                _add(file, json.dumps({"note": note}).encode() + b"\n")
        _settle(self._path.parent)

    def _last(self, file: FileIO) -> Checkpoint | None:
        lines = _last_lines(file)
        note = next((found for line in reversed(lines) if (found := _note(line)) is not None), None)
        if note is not None:
            return open_checkpoint(note, self._log)
        if lines:
            raise LogDamaged(
                f"{self._path} holds no checkpoints", advice="Move the file away, keep it, and look who wrote to it."
            )
        return None


def kept_notes(path: Path) -> Iterator[str]:
    """Every signed checkpoint in a file of `FileWitness`, or of `export.checkpoints`, the oldest first; nothing is verified here.

    A line that a crash tore is passed over: its checkpoint was never said to be kept.

    Raises:
        WitnessFailed: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            while line := file.readline(_LINE):
                if line.strip() and (note := _note(line)) is not None:
                    yield note
    except OSError as error:
        raise WitnessFailed(f"{path}: {error.strerror}", advice="Give the file with the kept checkpoints.") from error


def _note(line: bytes) -> str | None:
    try:
        found = cast("dict[str, object]", json.loads(line))
        note = found["note"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return note if isinstance(note, str) else None


def _last_lines(file: FileIO) -> list[bytes]:
    """The whole lines at the end of the file."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 2 * _LINE))
    return file.read(2 * _LINE).split(b"\n")[:-1]


def _add(file: FileIO, line: bytes) -> None:
    """Append the line and have it on the disk; what a crash left of another one is ended first."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        line = line if file.read(1) == b"\n" else b"\n" + line
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
