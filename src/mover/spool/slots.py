"""Slots of the spool's file, lent out under a quota, fairly.

Two steps keep it free of deadlock: whoever wants slots first reserves as many as will ever be held at once, and waits in
line for that and for nothing else; taking a reserved slot never waits. Slots are lent last in, first out, so that few
pages are used and these stay warm.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """`count` slots of `size` bytes each, the first at byte `start` of the file."""

    def __init__(self, start: int, size: int, count: int) -> None:
        self.size = size
        self.count = count
        self._start = start
        self._unreserved = count
        self._fresh = 0
        self._used: list[int] = []
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def reserved(self) -> int:
        """How many slots are reserved now."""
        return self.count - self._unreserved

    @property
    def touched(self) -> int:
        """How many slots have ever been written since the last `forget`."""
        return self._fresh

    def reserve_now(self, count: int = 1) -> bool:
        """Reserve `count` slots if that needs no waiting."""
        if self._line or count > self._unreserved:
            return False
        self._unreserved -= count
        return True

    async def reserve(self, count: int = 1) -> None:
        """Reserve `count` slots, at most `self.count`; waits until they are free and all who came before are served."""
        if self.reserve_now(count):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.unreserve(count)
            else:
                self._line.remove((count, turn))
                self._serve()
            raise

    def unreserve(self, count: int) -> None:
        """Give reservations back."""
        self._unreserved += count
        self._serve()

    def take(self) -> int:
        """The offset of a reserved slot in the file."""
        if self._used:
            return self._used.pop()
        self._fresh += 1
        return self._start + (self._fresh - 1) * self.size

    def put(self, offset: int) -> None:
        """Give a slot back, to be used next."""
        self._used.append(offset)

    def forget(self) -> None:
        """Begin anew with fresh slots; all must have been given back."""
        self._fresh = 0
        self._used.clear()

    def _serve(self) -> None:
        while self._line:
            count, turn = self._line[0]
            if turn.done():  # cancelled, but not yet awake to leave the line by itself
                break
            if count > self._unreserved:
                break
            self._line.popleft()
            self._unreserved -= count
            turn.set_result(None)
