"""Fetching one file in ranges, several at once where that is faster, in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

LONG: Final = 64 << 20
"""Bytes of a range that is fetched alone."""

BETTER: Final = 1.3
"""How much faster one range more must make a file to be worth its price."""

_PROBE: Final = 4
"""Ranges over which a speed is measured."""

_AHEAD: Final = 4
"""Pieces of a range fetched alone that may wait for whoever takes them."""

Read = Callable[[int, int, Callable[[bytes], Awaitable[None]]], Awaitable[None]]
"""Fetches the bytes from the first number up to the second and gives them away, piece by piece, in order."""


Aside = Callable[[], AbstractAsyncContextManager[None]]
"""Around a wait for whoever takes the pieces."""


class Crowd:
    """How many ranges at once: one more as long as that makes the file faster, then no more.

    On a near server a second connection only costs; on a far one each brings as much as the first.
    """

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.at_once = 1
        self.settled = most <= 1
        self._most = most
        self._now = now
        self._best = 0.0
        self._count = 0
        self._since = 0.0
        self._bytes = 0

    def took(self, amount: int) -> None:
        """A range of `amount` bytes was taken by the consumer."""
        if self.settled:
            return
        self._count += 1
        if self._count == 1:  # what was under way before the number changed says nothing
            self._since, self._bytes = self._now(), 0
            return
        self._bytes += amount
        if self._count > _PROBE:
            self._judge(self._bytes / max(self._now() - self._since, 1e-6))

    def _judge(self, speed: float) -> None:
        faster = speed > self._best * BETTER
        self.settled = not faster or self.at_once == self._most
        if not faster:
            self.at_once -= 1  # never to 0: the first speed is better than none
        elif not self.settled:
            self.at_once += 1
        self._best, self._count = speed, 0


class Stripe:
    """One range on its way; its pieces can be taken while it still comes."""

    def __init__(self, read: Read, start: int, end: int, *, ahead: int, aside: Aside) -> None:
        """`ahead` pieces may wait; the range is not read on before some were taken."""
        self.size = end - start
        self._aside = aside
        self._pieces: deque[bytes] = deque()
        self._ahead = ahead
        self._change = asyncio.Event()
        self._task = asyncio.create_task(self._fill(read, start, end))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The pieces in order. Raises what `read` raised."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._change.set()
                yield piece
            if self._task.done():
                break
            self._change.clear()
            await self._change.wait()
        await self._task

    def give_up(self) -> asyncio.Task[None]:
        """End it, if it is not done; what is returned is over when it has ended."""
        self._task.cancel()
        return self._task

    async def _fill(self, read: Read, start: int, end: int) -> None:
        try:
            await read(start, end, self._give)
        finally:
            self._change.set()

    async def _give(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._change.set()
        if len(self._pieces) >= self._ahead:
            async with self._aside():
                await self._taken()

    async def _taken(self) -> None:
        while len(self._pieces) >= self._ahead:
            self._change.clear()
            await self._change.wait()


async def alone(read: Read, *, aside: Aside) -> AsyncGenerator[bytes]:
    """What `read` gives away, in order, some pieces ahead; it is not told what range is wanted. Otherwise as `striped`."""
    stripe = Stripe(read, 0, 0, ahead=_AHEAD, aside=aside)
    try:
        async for piece in stripe.pieces():
            yield piece
    finally:
        await asyncio.gather(stripe.give_up(), return_exceptions=True)


async def striped(
    read: Read,
    start: int,
    size: int,
    *,
    length: int,
    most: int,
    aside: Aside = nullcontext,
    now: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[bytes]:
    """The bytes from `start` up to `size`, in order, in ranges of `length` bytes, up to `most` of them at once.

    `read` waits within `aside` while nobody takes what it gives. `now` tells the time in seconds. What `read` raises comes out where its
    bytes would have come.
    """
    crowd, waiting, at = Crowd(most, now), deque[Stripe](), start
    try:
        while at < size or waiting:
            while at < size and len(waiting) < crowd.at_once:
                single = crowd.at_once == 1
                end = min(at + (LONG if crowd.settled and single else length), size)
                waiting.append(Stripe(read, at, end, ahead=_AHEAD if single else length, aside=aside))
                at = end
            async for piece in waiting[0].pieces():
                yield piece
            crowd.took(waiting.popleft().size)
    finally:
        # All are told before any is waited for: a second cancellation must leave none of them running.
        await asyncio.gather(*[stripe.give_up() for stripe in waiting], return_exceptions=True)
