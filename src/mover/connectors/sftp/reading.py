"""Reading files: small ones in two round trips, large ones with many requests on their way."""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, StreamDownload
from mover.connectors.sftp.channel import Channel
from mover.connectors.sftp.errors import translated
from mover.connectors.sftp.names import entry_of, version_of
from mover.connectors.sftp.packets import (
    OPEN_READ,
    Attrs,
    Kind,
    Malformed,
    Reply,
    attrs_of,
    data_of,
    handle_of,
    reading,
    string,
)
from mover.core.errors import Changed
from mover.core.model import Download, Entry

WHOLE: Final = 1 << 20
"""Up to so many bytes come in one piece."""
AHEAD: Final = 8 << 20
"""Bytes asked for ahead of whoever takes them."""
TOGETHER: Final = 8
"""Requests that leave together, in one SSH packet."""
_LEAST: Final = 1 << 10

Answer = Future[Reply]


@dataclass(slots=True)
class _Source:
    """A file that is open for reading; it is closed once, without waiting."""

    channel: Channel
    handle: bytes
    item: Entry
    closed: bool = False

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.channel.tell(Kind.CLOSE, string(self.handle))

    def unchanged(self, attrs: Attrs) -> Attrs:
        if self.item.version is not None and version_of(attrs) != self.item.version:
            raise Changed(f"it was {self.item.version} (size-time) and is now {version_of(attrs)}", item=self.item.id)
        return attrs


@asynccontextmanager
async def download(channel: Channel, path: bytes, item: Entry, start: int, end: int | None) -> AsyncGenerator[Download]:
    """The bytes of a file. Raises `Changed` if its size or time are not those of `item.version`, before or after."""
    with translated(item.id):
        source = _Source(channel, handle_of(await channel.ask(Kind.OPEN, string(path) + OPEN_READ)), item)
        try:
            yield await _small(source, path, start, end) or await _large(source, start, end)
        finally:
            source.close()


async def _small(source: _Source, path: bytes, start: int, end: int | None) -> Download | None:
    """A small item, whole; `None` if it is none, or if the server hands out less than it was asked for.

    READ, FSTAT and CLOSE leave together: a server must do what concerns one file in the order it came (draft -02 §6).
    """
    size = source.item.size
    if size is None:
        return None
    last = size if end is None else min(end, size)
    if last - start > WHOLE:
        return None
    channel = source.channel
    spans = [(at, min(channel.reads, last - at)) for at in range(start, last, channel.reads)]
    answers = [channel.ask(Kind.READ, reading(source.handle, at, length)) for at, length in spans]
    told = channel.ask(Kind.FSTAT, string(source.handle))
    if channel.reads >= last - start:
        source.close()
    pieces = [data_of(await answer) for answer in answers]
    attrs = source.unchanged(attrs_of(await told))
    for (_, length), piece in zip(spans, pieces, strict=True):
        _fits(piece, length)
        if len(piece) < length:
            _learn(channel, piece)
            return None if not source.closed else await _again(source, path, start, end)
    return BytesDownload(entry_of(source.item.id, attrs), pieces[0] if len(pieces) == 1 else b"".join(pieces))


async def _again(source: _Source, path: bytes, start: int, end: int | None) -> Download:
    """The same from a new handle, for a server that gave less than it was asked for."""
    source.handle = handle_of(await source.channel.ask(Kind.OPEN, string(path) + OPEN_READ))
    source.closed = False
    return await _large(source, start, end)


async def _large(source: _Source, start: int, end: int | None) -> Download:
    attrs = source.unchanged(attrs_of(await source.channel.ask(Kind.FSTAT, string(source.handle))))
    entry = entry_of(source.item.id, attrs)
    size = attrs.size or 0
    last = size if end is None else min(end, size)
    start = min(start, last)
    return StreamDownload(entry, last - start, lambda: _pieces(source, start, last, attrs))


async def _pieces(source: _Source, start: int, last: int, before: Attrs) -> AsyncIterator[bytes]:
    channel, at = source.channel, start
    due: deque[tuple[int, int, Answer]] = deque()

    def ask(offset: int, length: int) -> tuple[int, int, Answer]:
        return offset, length, channel.ask(Kind.READ, reading(source.handle, offset, length))

    with translated(source.item.id):
        while due or at < last:
            most = AHEAD // channel.reads
            wanted = most - len(due) if len(due) <= most - TOGETHER else 0
            while at < last and wanted > 0:
                wanted -= 1
                length = min(channel.reads, last - at)
                due.append(ask(at, length))
                at += length
            offset, length, answer = due.popleft()
            piece = data_of(await answer)
            _fits(piece, length)
            if len(piece) < length:
                if not piece:
                    raise Changed(f"it ended at byte {offset}; {before.size} were announced", item=source.item.id)
                _learn(channel, piece)
                due.appendleft(ask(offset + len(piece), length - len(piece)))
            yield piece
        after = attrs_of(await channel.ask(Kind.FSTAT, string(source.handle)))
        if version_of(after) != version_of(before):
            raise Changed(
                f"while it was read it went from {version_of(before)} to {version_of(after)}", item=source.item.id
            )
    source.close()


def _fits(piece: bytes, length: int) -> None:
    if len(piece) > length:
        raise Malformed(f"{len(piece)} bytes where {length} were asked for")


def _learn(channel: Channel, piece: bytes) -> None:
    """Ask for no more in one request than this server gives; the end of a file tells nothing."""
    if len(piece) >= _LEAST:
        channel.reads = min(channel.reads, len(piece))
