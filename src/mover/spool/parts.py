"""Bytes that came in pieces of any size, to be taken out in pieces of another."""

from __future__ import annotations

from collections import deque


class Parts:
    """A line of bytes: `add` puts some at its end, `cut` takes some off its front. Nothing is copied."""

    def __init__(self) -> None:
        self.size = 0
        """How many bytes stand in line."""
        self._line: deque[bytes | memoryview] = deque()

    def add(self, data: bytes) -> None:
        """Put bytes at the end; they must not be changed any more."""
        self._line.append(data)
        self.size += len(data)

    def cut(self, count: int) -> list[bytes | memoryview]:
        """Take up to `count` bytes off the front."""
        taken: list[bytes | memoryview] = []
        while count and self._line:
            part = self._line.popleft()
            if len(part) > count:
                view = memoryview(part)
                self._line.appendleft(view[count:])
                part = view[:count]
            taken.append(part)
            count -= len(part)
            self.size -= len(part)
        return taken

    def clear(self) -> None:
        """Forget all of them."""
        self._line.clear()
        self.size = 0
