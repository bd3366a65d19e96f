"""What all holders of the global key have in common, and how those that block are asked without blocking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, ParamSpec, Protocol, TypeVar

from mover.core.errors import BadOption, KeysUnreachable, Sealed
from mover.core.threads import Threads
from mover.vault.envelope import GlobalKey

P = ParamSpec("P")
R = TypeVar("R")

LONGEST: Final = 4000
"""Bytes that may be wrapped at once: keys are short, and AWS KMS takes 4096 bytes at most."""

LONGEST_WRAPPED: Final = 2 * LONGEST
"""Bytes that anything wrapped may have; more was never made by us."""

LONGEST_ID: Final = 255
"""Characters of ASCII that a key's id may have: its length is stored in one byte."""

PATIENCE: Final = 4.0
"""Seconds to wait for an answer. A secret takes two answers at most, while a transaction of the database stands idle; that may last 10."""


class KeyService(Protocol):
    """The asynchronous face of whoever holds the global key.

    All three raise `KeysUnreachable` (down for the moment: try again), `KeysRefused` (we may not: somebody must act) and
    `BadOption` (set up wrongly). Only `Sealed` says that this very thing will never open.
    """

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """Seal `message` (at most `LONGEST` bytes) under the current key, bound to `context`; the key's id, the sealed bytes."""
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Raises `Sealed` if the key is gone or was never ours, the context is another, or a bit was changed."""
        ...

    async def rotate(self) -> str:
        """Make a new current key; older ones still unwrap. Answers the id of what wraps from now on."""
        ...


def fits(message: bytes) -> None:
    """Refuse to wrap what is no key.

    Raises:
        BadOption: it is longer than `LONGEST`.
    """
    if len(message) > LONGEST:
        raise BadOption(
            f"the global key wraps keys of at most {LONGEST} bytes, not {len(message)}",
            item="vault",
            advice="Seal long content by a key of its own and wrap that.",
        )


def may_be_wrapped(wrapped: bytes) -> None:
    """Raises `Sealed` for what is empty or too long, so was not wrapped by us: no holder is bothered with it."""
    if not 0 < len(wrapped) <= LONGEST_WRAPPED:
        raise Sealed("a wrapped key is empty, or longer than any that Mover makes")


class InThreads:
    """A `GlobalKey` that blocks, asked in threads of its own: a holder that hangs delays its askers, not the event loop."""

    def __init__(self, holder: GlobalKey, threads: Threads, patience: float = PATIENCE) -> None:
        self._holder = holder
        self._threads = threads
        self._patience = patience

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyService`."""
        return await self._asked(self._holder.wrap, message, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `KeyService`."""
        return await self._asked(self._holder.unwrap, key_id, wrapped, context)

    async def rotate(self) -> str:
        """See `KeyService`."""
        return await self._asked(self._holder.rotate)

    async def _asked(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            async with asyncio.timeout(self._patience):
                return await self._threads.start(call, *args, **kwargs)
        except TimeoutError:
            raise KeysUnreachable(
                f"the holder of the global key did not answer within {self._patience:.0f} s"
            ) from None


@asynccontextmanager
async def in_threads(holder: GlobalKey, most: int = 4, patience: float = PATIENCE) -> AsyncGenerator[InThreads]:
    """The asynchronous face of a holder that blocks, with up to `most` threads until the block ends. `patience` is in seconds."""
    threads = Threads(most, "global-key")
    try:
        yield InThreads(holder, threads, patience)
    finally:
        threads.close()
