"""A checkpoint: how long a log is and the root of its tree, signed. Whoever keeps one can tell later whether the log was changed.

Source: https://c2sp.org/tlog-checkpoint
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from mover.audit.merkle import HASH
from mover.audit.notes import Verifier, open_note, sign_note
from mover.core.errors import CheckpointRefused
from mover.crypto.signatures import SigningKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log `origin` has `size` entries whose root is `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def signed(self, key: SigningKey) -> str:
        """The note that says so, signed by the log's key.

        Raises:
            BadOption: the origin is no name of a key.
        """
        return sign_note(f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n", self.origin, key)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The name of a log and every key that may have signed its checkpoints: the present one first, then those before it."""

    origin: str
    keys: tuple[Verifier, ...]


def open_checkpoint(note: str, log: LogKeys) -> Checkpoint:
    """The checkpoint in a signed note.

    Raises:
        CheckpointRefused: not signed by a key of the log, of another log, or not a checkpoint.
    """
    found = read_checkpoint(open_note(note, [key for key in log.keys if key.name == log.origin]))
    if found.origin != log.origin:
        raise CheckpointRefused(f"a checkpoint is of the log {found.origin!r}, not of {log.origin!r}")
    return found


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text, whoever signed it. Lines after the third are passed over, as the standard wants.

    Raises:
        CheckpointRefused: it is none.
    """
    lines: Sequence[str] = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):  # noqa: PLR2004 - the standard's three lines
        raise CheckpointRefused("a checkpoint has three lines: the log's name, its size and its root")
    origin, size, root = lines[:3]
    try:
        raw = b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != HASH or b64encode(raw).decode() != root:
        raise CheckpointRefused("the root in a checkpoint is no hash")
    if not size.isascii() or not size.isdigit() or len(size) > 18 or str(int(size)) != size:  # noqa: PLR2004 - below 2^63
        raise CheckpointRefused("the size in a checkpoint is no number")
    return Checkpoint(origin, int(size), raw)
