"""Reading objects, whole or a range, always the version that was listed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, StreamDownload
from mover.connectors.s3 import entries
from mover.connectors.s3.session import Session
from mover.core.errors import Changed, Refused, Unreachable
from mover.core.model import Download, Entry, ItemId
from mover.net.http import StreamedAnswer

WHOLE: Final = 1 << 20
"""Bytes up to which an answer is taken in one piece."""

_CHECKSUMS: Final = {"x-amz-checksum-mode": "ENABLED"}


@asynccontextmanager
async def read(session: Session, item: Entry, start: int, end: int | None) -> AsyncGenerator[Download]:
    """See `Connector.read`."""
    where = session.where.of(item.id)
    stop = item.size if end is None or (item.size is not None and end > item.size) else end
    if stop is not None and start >= stop and (start or end is not None):
        yield BytesDownload(await describe(session, item), b"")
        return
    ranged = bool(start) or (stop is not None and stop != item.size)
    headers = _conditions(item)
    if ranged:
        headers["range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
    wanted = None if stop is None else stop - start
    if wanted is not None and wanted <= WHOLE:
        answer = await session.ask("GET", where, headers=headers, item=item.id)
        entry, _ = _begun(item, answer, answer.headers, start, wanted, ranged=ranged)
        _must_be(len(answer.body), wanted, item.id)
        yield BytesDownload(entry, answer.body)
        return
    async with session.get_stream(where, headers) as streamed:
        entry, size = _begun(item, streamed, streamed.headers, start, wanted, ranged=ranged)
        yield StreamDownload(entry, size, lambda: _pieces(streamed, size, item.id))


async def describe(session: Session, item: Entry) -> Entry:
    """The object's headers. Raises `NotFound`."""
    answer = await session.ask("HEAD", session.where.of(item.id), headers=_CHECKSUMS, item=item.id)
    return entries.file(item.id, answer, answer.headers, _length(answer))


def _conditions(item: Entry) -> dict[str, str]:
    headers = dict(_CHECKSUMS)
    if item.version is not None:
        headers["if-match"] = f'"{item.version}"'
    return headers


def _begun(
    item: Entry, answer: entries.Answered, headers: Mapping[str, str], start: int, wanted: int | None, *, ranged: bool
) -> tuple[Entry, int | None]:
    """The entry, and the size of what comes. Not every store minds `If-Match`: what the answer says counts.

    Raises:
        Changed: this is another version, or another number of bytes, than was listed.
        Refused: these are not the bytes that were asked for.
    """
    size, version = _length(answer), entries.tag_of(answer.header("etag"))
    if item.version is not None and version not in (None, item.version):
        raise Changed("the object was replaced since it was listed", item=item.id)
    unit, _, total = (answer.header("content-range") or "").partition("/")
    # The status does not count: rclone's server sends ranges as 200.
    if ranged and not unit.startswith(f"bytes {start}-"):
        raise Refused("the store does not send parts of objects as asked", item=item.id)
    if wanted is not None and size is not None and size != wanted:
        raise Changed(f"{size} bytes are there, not {wanted}", item=item.id)
    whole = (int(total) if total.isdigit() else None) if ranged else size
    return entries.file(item.id, answer, headers, whole), size


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
