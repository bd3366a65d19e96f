"""Ids, paths and entries. Ids are text relative to the root; paths are the bytes the server knows."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import Final

from mover.connectors._kit.paths import child, name_of, parent_of
from mover.connectors.sftp.packets import Attrs, holds_time
from mover.core.errors import Unfit
from mover.core.model import Attributes, Entry, ItemId, Kind
from mover.core.temporary import temporary_name

LONGEST: Final = 255
"""Bytes in a name, on every file system in wide use."""


def encoded(text: str) -> bytes:
    """The bytes of a name or path (PEP 383).

    Raises:
        Unfit: it holds half a surrogate pair that stands for no byte.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unfit("the name cannot be written as bytes", item=text) from None


def decoded(name: bytes) -> str:
    """The text of a name as the server has it."""
    return name.decode("utf-8", "surrogateescape")


def below(base: bytes, item: ItemId) -> bytes:
    """The path of an item below the root's path.

    Raises:
        Unfit: the id would lead out of the root.
    """
    if not item:
        return base
    if "\x00" in item or not {"", ".", ".."}.isdisjoint(item.split("/")):
        raise Unfit(f"{item!r} is no path below the root", item=item)
    return (b"/" if base == b"/" else base + b"/") + encoded(item)


def temporary(folder: ItemId, name: str, mark: str | None = None) -> ItemId:
    """An id beside `name` that is hidden and unlike any other. What goes aside for a moment gets no mark: it is the user's.

    Raises:
        Unfit: `name` is no name, or too long for the server.
    """
    child(folder, name)
    raw = encoded(name)
    if len(raw) > LONGEST:
        raise Unfit(f"the name has {len(raw)} bytes; servers hold {LONGEST}", item=name)
    return child(folder, temporary_name(mark))


def entry_of(item: ItemId, attrs: Attrs, target: str | None = None) -> Entry:
    """The entry that a server's attributes make."""
    kind = kind_of(attrs)
    modified = None if attrs.modified is None else datetime.fromtimestamp(attrs.modified, UTC)
    if kind is not Kind.FILE:
        return Entry(item, parent_of(item), name_of(item), kind, modified=modified, target=target)
    return Entry(item, parent_of(item), name_of(item), kind, attrs.size, modified, version=version_of(attrs))


def kind_of(attrs: Attrs) -> Kind:
    """What an item is. A server that does not tell the mode of a file that has a size means a plain file."""
    if attrs.mode is None:
        return Kind.OTHER if attrs.size is None else Kind.FILE
    return _KINDS.get(stat.S_IFMT(attrs.mode), Kind.OTHER)


def version_of(attrs: Attrs) -> str:
    """All by which SFTP lets a change be seen: the size and the second of the last change."""
    return f"{attrs.size}-{attrs.modified}"


def seconds_of(attributes: Attributes) -> int | None:
    """The time to set, in whole seconds since 1970; `None` if there is none, or none that SFTP can carry (before 1970, after 2106)."""
    if attributes.modified is None:
        return None
    seconds = int(attributes.modified.timestamp() // 1)
    return seconds if holds_time(seconds) else None


_KINDS: Final = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.LINK}
