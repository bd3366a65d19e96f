"""Bodies of known bytes: what the checks send, and how they read back what came."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from functools import cache
from typing import Final

from mover.conformance.checks import Place, expect
from mover.core.connector import NOTHING, Connector
from mover.core.model import Attributes, Digest, Entry

PIECE: Final = 64 * 1024
"""How many bytes a streamed body hands out at a time."""

_POOL: Final = 1_048_583  # a prime, so that no block size of a provider divides it and a shifted part is seen


class Sent:
    """A body of known bytes.

    With `streamed` it comes in pieces of `piece` bytes and `whole` is `None`; `claim` is the size it says it has, and
    `breaks` an error it raises after its bytes instead of ending.
    """

    digests: tuple[Digest, ...] = ()

    def __init__(
        self,
        data: bytes,
        *,
        claim: int | None = -1,
        streamed: bool = False,
        piece: int = PIECE,
        breaks: BaseException | None = None,
    ) -> None:
        self.size: int | None = len(data) if claim == -1 else claim
        honest = self.size == len(data) and breaks is None
        self.whole: bytes | None = data if honest and not streamed else None
        self._data, self._piece, self._breaks = data, piece, breaks

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes in pieces, then the error if there is one."""
        for at in range(0, len(self._data), self._piece):
            yield self._data[at : at + self._piece]
        if self._breaks is not None:
            raise self._breaks


def sample(size: int, start: int = 0) -> bytes:
    """`size` bytes of one endless, always equal row of random-looking bytes, from `start` on."""
    pool = _pool()
    at = start % _POOL
    return (pool * ((at + size) // _POOL + 1))[at : at + size]


@cache
def _pool() -> bytes:
    return random.Random(_POOL).randbytes(_POOL)  # noqa: S311  # test data, equal every time


async def put(place: Place, name: str, data: bytes, attributes: Attributes = NOTHING) -> Entry:
    """Write a small file into the check's folder."""
    return await place.connector.write(place.folder, name, Sent(data), attributes)


async def content(connector: Connector, item: Entry, *, start: int = 0, end: int | None = None) -> bytes:
    """The bytes of an item, or of a range of it. Raises `CheckFailed` if the body lies about its size."""
    async with connector.read(item, start=start, end=end) as body:
        data = body.whole if body.whole is not None else b"".join([c async for c in body.chunks()])
        expect(body.size in (None, len(data)), f"a body said it has {body.size} bytes and had {len(data)}")
        return data


async def expect_content(connector: Connector, item: Entry, wanted: bytes) -> None:
    """Raise `CheckFailed` unless the item's bytes are those."""
    data = await content(connector, item)
    if data == wanted:
        return
    place = next((i for i, (a, b) in enumerate(zip(data, wanted, strict=False)) if a != b), min(len(data), len(wanted)))
    expect(False, f"{item.name!r}: {len(data)} bytes came, {len(wanted)} were sent; they differ from byte {place} on")
