"""Names on their way to and from a server. On the wire they are bytes; ftplib carries bytes as Latin-1 text."""

from __future__ import annotations

from typing import Final

from mover.core.errors import Unfit

_BREAKING: Final = frozenset("\r\n\x00")
IAC: Final = "\xff"
"""The byte that begins a Telnet command (RFC 854); in a name it is sent twice."""


def to_wire(path: str, encoding: str) -> str:
    """A path as ftplib sends it: one character per byte.

    Raises:
        Unfit: a line break or zero byte, which would end the command early (and begin another one), or a character that
            the encoding does not have.
    """
    if not _BREAKING.isdisjoint(path):
        raise Unfit("FTP has no way to name a path with a line break or zero byte", item=path)
    try:
        return path.encode(encoding, "surrogateescape").decode("latin-1")
    except UnicodeEncodeError:
        raise Unfit(f"the server's names are in {encoding}, which cannot spell this one", item=path) from None


def from_wire(raw: bytes, encoding: str) -> str:
    """A name as the server wrote it. Bytes that the encoding does not know become surrogate escapes (PEP 383)."""
    return raw.decode(encoding, "surrogateescape")
