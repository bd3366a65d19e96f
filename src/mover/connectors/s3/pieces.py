"""Storing a body of unknown size: in one request if it is small, else in parts that are held in memory one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mover.connectors._kit.bodies import measured
from mover.connectors.s3 import parts
from mover.connectors.s3.session import Session
from mover.connectors.s3.writing import new_headers, put, put_part
from mover.core.connector import Part
from mover.core.model import Attributes, Body, Digest, Entry, ItemId


class Piece:
    """Some bytes as a body."""

    digests: tuple[Digest, ...] = ()

    def __init__(self, data: bytes) -> None:
        self.size: int | None = len(data)
        self.whole: bytes | None = data

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in one piece."""
        if self.whole:
            yield self.whole


async def store(
    session: Session, item: ItemId, body: Body, attributes: Attributes, storage_class: str | None
) -> tuple[Entry, bool]:
    """As `writing.put`, for a body of any kind. At most one part, 16 MiB, lies in memory."""
    coming = _cut(measured(body, item), parts.SINGLE)
    first = await anext(coming, b"")
    if len(first) < parts.SINGLE:
        return await put(session, item, Piece(first), attributes, storage_class)
    upload = await parts.begin(session, item, new_headers(attributes, item, storage_class))
    done: list[Part] = []
    keyed, piece = False, first
    try:
        while piece:
            query = {"partNumber": str(len(done) + 1), "uploadId": upload}
            tag, keyed = await put_part(session, session.where.of(item), query, Piece(piece))
            done.append(Part(len(done), len(piece), tag))
            piece = await anext(coming, b"")
        return await parts.complete(session, item, upload, done), keyed
    except BaseException:
        await parts.abandon(session, item, upload)
        raise


async def _cut(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces of `size`, the last one shorter."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
