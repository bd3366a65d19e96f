"""Digests that a server makes of its own files: HASH (draft-bryan-ftpext-hash) and the older XSHA256, XMD5 and their like. Blocking."""

from __future__ import annotations

import re
from typing import Final

from mover.connectors._kit.ftp.session import Session
from mover.core.errors import ItemError
from mover.core.model import Algorithm, Digest, ItemId

PATIENCE: Final = 3600.0
"""A server is silent while it reads the whole file; in seconds."""

_HASHES: Final[tuple[tuple[str, Algorithm, int], ...]] = (
    ("SHA-256", "sha256", 64),
    ("SHA-512", "sha512", 128),
    ("SHA-1", "sha1", 40),
    ("MD5", "md5", 32),
)
_COMMANDS: Final[tuple[tuple[str, Algorithm, int], ...]] = (
    ("XSHA256", "sha256", 64),
    ("XSHA512", "sha512", 128),
    ("XSHA1", "sha1", 40),
    ("XSHA", "sha1", 40),
    ("XMD5", "md5", 32),
)


def of(session: Session, item: ItemId) -> Digest | None:
    """The digest of a file as the server holds it; `None` if it makes none, or not of this file."""
    path = session.path(item)
    session.wire.patience(PATIENCE)
    try:
        return _by_hash(session, path) or _by_command(session, path)
    except ItemError:
        return None
    finally:
        if not session.broken:
            session.wire.patience(session.settings.idle)


def _by_hash(session: Session, path: str) -> Digest | None:
    offered = session.features.parameters("HASH").upper().replace("*", "").split(";")
    for name, algorithm, length in _HASHES:
        if name in offered:
            session.command(f"OPTS HASH {name}")
            answer = session.command("HASH", path)
            # "213 SHA-256 0-49 6ae1... path": the name of the algorithm tells that it is the one we asked for.
            found = re.search(rf"\b{name} \d+-\d+ ([0-9a-fA-F]{{{length}}})\b", answer)
            return Digest(algorithm, bytes.fromhex(found[1])) if found else None
    return None


def _by_command(session: Session, path: str) -> Digest | None:
    if " " in path:
        return None  # "name 0 5" would be taken for a range of the file "name"
    for command, algorithm, length in _COMMANDS:
        if session.features.has(command):
            answer = session.command(command, path)
            found = re.search(rf"(?<![0-9a-fA-F])([0-9a-fA-F]{{{length}}})\s*$", answer)
            return Digest(algorithm, bytes.fromhex(found[1])) if found else None
    return None
