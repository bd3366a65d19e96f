"""The forms that stand for what a name may not hold.

They are rclone's (https://rclone.org/overview/#restricted-filenames), so that the eye knows them.
"""

from __future__ import annotations

import hashlib
from typing import Final

from mover.core.spec import Limits

QUOTE: Final = "‛"
"""Stands before the two hexadecimal digits of a byte that has no other form."""

_WIDE: Final = 0xFEE0  # from ASCII to its full-width form (Unicode block FF00)
_PICTURE: Final = 0x2400  # from a control character or the space to its picture (Unicode block 2400)
_LONGEST_EXTENSION: Final = 16


def similar(c: str, but: frozenset[str]) -> str:
    """What stands for a character: of several forms the first that has none of the characters in `but`; "_" if all have."""
    forms = (_picture(c), _quoted(c.encode("utf-8", "surrogatepass")))
    return next((f for f in forms if f and but.isdisjoint(f)), "_")


def as_utf8(name: str) -> str:
    """The name with every byte that is not UTF-8 quoted (`‛FF`)."""
    return "".join(_quoted(_bytes(c)) if "\ud800" <= c <= "\udfff" else c for c in name)


def size_of(name: str) -> int:
    """Length in bytes."""
    return len(name) if name.isascii() else len(_bytes(name))


def with_mark(name: str, source: str, digits: int, limits: Limits) -> str:
    """The name with `~` and that many digits of the source name's SHA-256 before its extension, shortened as far as needed.

    It may still be too long: then there is no room for the mark.
    """
    stem, extension = _split(name)
    between = next((c for c in "~-_" if c not in limits.forbidden), "")
    tail = between + hashlib.sha256(_bytes(source)).hexdigest()[:digits] + extension
    chars = len(stem) if limits.name_chars is None else limits.name_chars - len(tail)
    stem = stem[: max(chars, 1)]
    if limits.name_bytes is not None:
        room = limits.name_bytes - size_of(tail)
        while len(stem) > 1 and size_of(stem) > room:
            stem = stem[:-1]
    return stem + tail


def _picture(c: str) -> str:
    if "!" <= c <= "~":
        return chr(ord(c) + _WIDE)
    if c <= " ":
        return chr(ord(c) + _PICTURE)
    return "␡" if c == "\x7f" else ""


def _quoted(data: bytes) -> str:
    return "".join(f"{QUOTE}{byte:02X}" for byte in data)


def _bytes(name: str) -> bytes:
    """The bytes of a name as the source has it; half a character, which has none, as UTF-8 would write it."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(
            c.encode("utf-8", "surrogateescape" if "\udc80" <= c <= "\udcff" else "surrogatepass") for c in name
        )


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _LONGEST_EXTENSION:
        return name, ""
    return stem, dot + extension
