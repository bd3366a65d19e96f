"""The bodies that connectors hand out, and how they take bodies in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from mover.core.errors import Damaged
from mover.core.model import Body, Digest, Entry


class BytesDownload:
    """A small item that was read in one go."""

    def __init__(self, entry: Entry, data: bytes) -> None:
        self.entry = entry
        self.size: int | None = len(data)
        self.digests: tuple[Digest, ...] = entry.digests
        self.whole: bytes | None = data

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in one piece."""
        if self.whole:
            yield self.whole


class StreamDownload:
    """An item that comes in pieces. `pieces` is called once, when reading begins."""

    whole: bytes | None = None

    def __init__(self, entry: Entry, size: int | None, pieces: Callable[[], AsyncIterator[bytes]]) -> None:
        self.entry = entry
        self.size = size
        self.digests: tuple[Digest, ...] = entry.digests
        self._pieces = pieces

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, as they arrive."""
        return self._pieces()


async def collected(body: Body, name: str) -> bytes:
    """All bytes of a body.

    Raises:
        Damaged: there are more or fewer than the body's `size`.
    """
    data = body.whole
    if data is None:
        data = b"".join([chunk async for chunk in body.chunks()])
    if body.size is not None and body.size != len(data):
        raise Damaged(f"expected {body.size} bytes, got {len(data)}", item=name)
    return data


async def measured(body: Body, name: str) -> AsyncIterator[bytes]:
    """The pieces of a body, ending in `Damaged` if they are more or fewer bytes than its `size`."""
    count = 0
    if body.whole is not None:
        count = len(body.whole)
        if count:
            yield body.whole
    else:
        async for chunk in body.chunks():
            count += len(chunk)
            if body.size is not None and count > body.size:
                break
            yield chunk
    if body.size is not None and count != body.size:
        raise Damaged(f"expected {body.size} bytes, got {count}", item=name)
