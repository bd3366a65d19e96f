"""Bodies sent under a passing name, which can be ended well even when their source fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from mover.core.errors import Damaged
from mover.core.model import Body, Digest

_FILLED: Final = 8 << 20
"""Bytes that are filled up rather than break the connection."""
_ZEROS: Final = bytes(1 << 16)


class Passing:
    """A body that remembers what went wrong with it, and tells afterwards.

    A server that stores as it receives keeps what came before a connection broke, some of them after we asked to remove it. So a
    body that is a little too short is filled up and one that is too long is cut: the request ends well, and the file, which
    never got its own name, can be removed for certain.
    """

    whole: bytes | None = None

    def __init__(self, body: Body, name: str) -> None:
        self._body = body
        self._name = name
        self.size: int | None = body.size
        self.digests: tuple[Digest, ...] = body.digests
        self.count = 0
        self.problem: Exception | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of the body, and what makes up its size."""
        try:
            async for chunk in self._body.chunks():
                fits = chunk if self.size is None else chunk[: self.size - self.count]
                self.count += len(fits)
                yield fits
                if len(fits) < len(chunk):
                    raise Damaged(f"expected {self.size} bytes, got more", item=self._name)  # noqa: TRY301  # kept below
            if self.size is not None and self.count < self.size:
                raise Damaged(f"expected {self.size} bytes, got {self.count}", item=self._name)  # noqa: TRY301  # kept below
        except Exception as problem:
            self.problem = problem
            if self.size is not None and self.size - self.count > _FILLED:
                raise
        for at in range(self.count, self.size or 0, len(_ZEROS)):
            yield _ZEROS[: (self.size or 0) - at]

    def must_be_good(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.problem is not None:
            raise self.problem
