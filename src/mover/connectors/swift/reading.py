"""Reading objects, whole or a range, always the version that was listed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, StreamDownload
from mover.connectors.swift import entries
from mover.connectors.swift.session import NONE, Session
from mover.core.errors import Changed, Refused, Unreachable
from mover.core.model import Download, Entry, ItemId
from mover.net.http import StreamedAnswer

WHOLE: Final = 1 << 20
"""Bytes up to which an answer is taken in one piece."""

_PARTIAL: Final = 206


@asynccontextmanager
async def read(session: Session, item: Entry, start: int, end: int | None) -> AsyncGenerator[Download]:
    """See `Connector.read`."""
    where = session.place.of(item.id)
    stop = item.size if end is None or (item.size is not None and end > item.size) else end
    if stop is not None and start >= stop and (start or end is not None):
        yield BytesDownload(await describe(session, item), b"")
        return
    ranged = bool(start) or (stop is not None and stop != item.size)
    headers = {"range": f"bytes={start}-{'' if stop is None else stop - 1}"} if ranged else NONE
    wanted = None if stop is None else stop - start
    if wanted is not None and 0 < wanted <= WHOLE:
        # an unbounded answer would be held in memory, if the object grew meanwhile
        bounded = headers or {"range": f"bytes=0-{WHOLE - 1}"}
        answer = await session.ask("GET", where, headers=bounded, item=item.id)
        entry, size = _begun(item, answer, answer.headers, answer.status, start, ranged=True)
        _must_be(len(answer.body), size, item.id)
        yield BytesDownload(entry, answer.body)
        return
    async with session.get_stream(where, headers) as streamed:
        entry, size = _begun(item, streamed, streamed.headers, streamed.status, start, ranged=ranged)
        yield StreamDownload(entry, size, lambda: _pieces(streamed, size, item.id))


async def describe(session: Session, item: Entry) -> Entry:
    """The object's headers. Raises `NotFound`."""
    answer = await session.ask("HEAD", session.place.of(item.id), item=item.id)
    return entries.file(item.id, answer, answer.headers, _length(answer))


def _begun(
    item: Entry, answer: entries.Answered, headers: Mapping[str, str], status: int, start: int, *, ranged: bool
) -> tuple[Entry, int | None]:
    """The entry, and the size of what comes.

    Raises:
        Changed: it is another object than was listed. Old stores list an object of segments under the tag of its manifest: that
            is no other object.
        Refused: the store sends another range than the one that was asked for.
    """
    size = total = _length(answer)
    if ranged:
        unit, _, whole = (answer.header("content-range") or "").partition("/")
        if status != _PARTIAL or not unit.startswith(f"bytes {start}-"):
            raise Refused("the store does not send parts of objects as asked", item=item.id)
        total = int(whole) if whole.isdigit() else None
    entry = entries.file(item.id, answer, headers, total)
    manifest = (entry.version or "").endswith(entries.LARGE) and not (item.version or "").endswith(entries.LARGE)
    if item.version is not None and entry.version != item.version and not manifest:
        raise Changed("it is not the object that was listed", item=item.id)
    if item.size is not None and total is not None and item.size != total:
        raise Changed(f"it had {item.size} bytes, and has {total}", item=item.id)
    return entry, size


def _length(answer: entries.Answered) -> int | None:
    value = answer.header("content-length")
    return int(value) if value is not None and value.isdigit() else None


async def _pieces(answer: StreamedAnswer, size: int | None, item: ItemId) -> AsyncIterator[bytes]:
    count = 0
    while piece := await answer.read():
        count += len(piece)
        yield piece
    _must_be(count, size, item)


def _must_be(count: int, size: int | None, item: ItemId) -> None:
    if size is not None and count != size:
        raise Unreachable(f"the store sent {count} bytes, not {size}", item=item)
