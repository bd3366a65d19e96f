"""Listings made for machines: MLSD and MLST (RFC 3659 §7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from mover.connectors._kit.ftp.names import from_wire
from mover.connectors._kit.paths import child
from mover.core.errors import Refused, Unfit
from mover.core.model import Entry, ItemId, Kind

_LINE: Final = re.compile(rb"((?:[^=; ]+=[^;]*;)+) (.+)", re.DOTALL)
_HERE: Final = (b"cdir", b"pdir")


def entries(listing: bytes, folder: ItemId, encoding: str) -> Iterator[Entry]:
    """The entries of an MLSD answer, without the folder itself and the one above it.

    Raises:
        Refused: the answer is no such listing.
    """
    for facts, name in _named(listing):
        kind, target = _kind(facts.get(b"type", b""), encoding)
        if kind is None or name in (b".", b".."):
            continue
        yield entry(facts, folder, from_wire(name, encoding), kind, target)


def described(answer: str, item: ItemId, parent: ItemId | None, name: str, encoding: str) -> Entry | None:
    """The entry in an answer to MLST about the item; `None` if there is none."""
    for line in answer.split("\n"):
        if found := _LINE.match(line.strip("\r").removeprefix(" ").encode("latin-1", "replace")):
            facts = _facts(found[1])
            kind, target = _kind(facts.get(b"type", b""), encoding)
            return _entry(facts, item, parent, name, kind or Kind.FOLDER, target)
    return None


def entry(facts: dict[bytes, bytes], folder: ItemId, name: str, kind: Kind, target: str | None) -> Entry:
    """One line of a listing. A name that no file system has (with a slash in it) is shown, and reading it says why not."""
    try:
        item = child(folder, name)
    except Unfit:
        item = ItemId(f"{folder}/{name}" if folder else name)
    return _entry(facts, item, folder, name, kind, target)


def when(stamp: str) -> datetime | None:
    """A time as RFC 3659 §2.3 writes it, YYYYMMDDHHMMSS with a fraction or without, in UTC; `None` if it is none."""
    whole, _, fraction = stamp.strip().partition(".")
    if len(whole) != 14 or not whole.isascii() or not whole.isdigit():  # noqa: PLR2004  # YYYYMMDDHHMMSS
        return None
    try:
        second = min(int(whole[12:14]), 59)  # a leap second is 60
        made = datetime(
            int(whole[:4]), int(whole[4:6]), int(whole[6:8]), int(whole[8:10]), int(whole[10:12]), second, tzinfo=UTC
        )
    except ValueError:
        return None
    return made + timedelta(seconds=float(f"0.{fraction}")) if fraction.isdigit() and fraction.isascii() else made


def _entry(
    facts: dict[bytes, bytes], item: ItemId, parent: ItemId | None, name: str, kind: Kind, target: str | None
) -> Entry:
    size = facts.get(b"size", b"")
    modified = facts.get(b"modify")
    return Entry(
        item,
        parent,
        name,
        kind,
        int(size) if kind is Kind.FILE and size.isdigit() else None,
        None if modified is None else when(modified.decode("latin-1")),
        target=target,
    )


def _named(listing: bytes) -> Iterator[tuple[dict[bytes, bytes], bytes]]:
    """Facts and name of each line. A line that does not begin with facts goes on with a name that holds a line break."""
    end = b"\r\n" if b"\r\n" in listing else b"\n"
    pending: tuple[bytes, bytes] | None = None
    for line in listing.removesuffix(end).split(end) if listing else ():
        if found := _LINE.fullmatch(line):
            if pending:
                yield _facts(pending[0]), pending[1]
            pending = found[1], found[2]
        elif pending:
            pending = pending[0], pending[1] + end + line
        elif line.strip():
            raise Refused(f"the server's listing (MLSD) begins with what is no entry: {line[:80]!r}")
    if pending:
        yield _facts(pending[0]), pending[1]


def _facts(text: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for fact in text.split(b";"):
        name, _, value = fact.partition(b"=")
        found[name.lower()] = value
    return found


def _kind(type_: bytes, encoding: str) -> tuple[Kind | None, str | None]:
    """What a `type` fact says; nothing for the folder itself and the one above. Links are `OS.unix=slink:target` or alike."""
    lower = type_.lower()
    if lower == b"file":
        return Kind.FILE, None
    if lower == b"dir":
        return Kind.FOLDER, None
    if lower in _HERE:
        return None, None
    if lower.startswith((b"os.unix=slink", b"os.unix=symlink")):
        return Kind.LINK, from_wire(type_.partition(b":")[2], encoding) or None
    return Kind.OTHER, None
