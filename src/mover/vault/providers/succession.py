"""Going from one holder of the global key to another: the new one wraps, former ones still open what they wrapped."""

from __future__ import annotations

from collections.abc import Sequence

from mover.core.errors import KeysRefused, KeysUnreachable, MoverError, Sealed
from mover.vault.providers.base import KeyService


class Succession:
    """A `KeyService` made of several. Wrap everything anew (`rotation.rewrap_all`), then leave the former ones out."""

    def __init__(self, current: KeyService, former: Sequence[KeyService]) -> None:
        self._current = current
        self._former = tuple(former)

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyService`. Only the current holder wraps."""
        return await self._current.wrap(message, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `KeyService`. Each holder knows its own keys by their ids; one that is down does not keep another from opening.

        Raises:
            Sealed: none of them opens it, and all were asked.
        """
        problem: MoverError | None = None
        for holder in (self._current, *self._former):
            try:
                return await holder.unwrap(key_id, wrapped, context)
            except Sealed as error:
                problem = problem or error
            except (KeysUnreachable, KeysRefused) as error:
                problem = error if problem is None or isinstance(problem, Sealed) else problem
        raise problem or Sealed("no holder of the global key is configured")

    async def rotate(self) -> str:
        """See `KeyService`. The current holder rotates."""
        return await self._current.rotate()
