"""Files read and written. Blocking."""

from __future__ import annotations

from datetime import datetime

from mover.connectors._kit.ftp import folders
from mover.connectors._kit.ftp.session import Session
from mover.connectors._kit.ftp.transfer import Incoming, Outgoing
from mover.connectors._kit.paths import name_of, parent_of
from mover.core.errors import Changed, Conflict, Damaged, ItemError
from mover.core.model import Entry, ItemId, Kind


def open_read(session: Session, item: ItemId, start: int) -> Incoming:
    """Begin to read a file at a byte. Raises `NotFound`, `Denied`, `Conflict` (it is a folder)."""
    path = session.path(item)
    try:
        return Incoming(session, "RETR", path, start)
    except ItemError as refusal:
        raise folders.explained(session, path, refusal) from refusal


def read_whole(session: Session, item: ItemId, start: int, length: int, *, to_end: bool) -> bytes:
    """`length` bytes of a file from `start`. With `to_end` these must be all that follow.

    Raises:
        Changed: there are fewer bytes, or more although they should end there.
    """
    incoming = open_read(session, item, start)
    try:
        data = incoming.take(length)
        more = to_end and len(data) == length and incoming.take(1)
    except BaseException:
        incoming.stop()
        raise
    if to_end and not more:
        incoming.finish(expected=length)
        return data
    incoming.stop()
    if more or len(data) != length:
        raise Changed(
            f"the file has {'more' if more else 'fewer'} bytes than when it was listed", item=session.path(item)
        )
    return data


def open_write(session: Session, path: str) -> Outgoing:
    """Begin to write a new file."""
    try:
        return Outgoing(session, "STOR", path)
    except ItemError as refusal:
        # Nothing is there yet: what is in question is the folder.
        raise folders.explained(session, path.rpartition("/")[0] or "/", refusal) from refusal


def write_whole(session: Session, path: str, data: bytes) -> None:
    """Write a new file in one go."""
    outgoing = open_write(session, path)
    try:
        outgoing.give(data)
    except BaseException:
        outgoing.stop()
        raise
    outgoing.finish()


def publish(session: Session, temporary: str, item: ItemId, size: int, modified: datetime | None) -> Entry:
    """Give a file that is whole its time and its name, replacing what was there.

    Raises:
        Damaged: the server has another number of bytes than were sent.
        Conflict: a folder stands there.
    """
    path = session.path(item)
    held = folders.size(session, temporary)
    if held != size:
        raise Damaged(f"{size} bytes were sent, the server has {held}", item=path)
    kept = modified is not None and folders.set_modified(session, temporary, modified)
    folders.rename(session, temporary, path)
    when = modified.replace(microsecond=0) if modified is not None and kept else None
    return Entry(item, parent_of(item), name_of(item), Kind.FILE, held, when)


def discard(session: Session, path: str) -> None:
    """Remove a file that did not become whole. It may never have been made."""
    try:
        session.command("DELE", path)
    except ItemError:
        if folders.kind_at(session, path) is not None:
            raise Conflict("a file that was not finished could not be removed", item=path) from None
