"""Users' keys that were unwrapped a moment ago, so that a holder of the global key far away is not asked for each secret again.

This is the one cache of the vault. It is bounded in number and time and holds users' keys only. It never answers by itself: a key comes
out only to whoever has just read its row, so what was shredded in the database opens nowhere, in whichever process it is still in memory.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from mover.store.vault_queries import KeyRow

SECONDS: Final = 60.0
"""How long a key is held."""

MOST: Final = 1000
"""How many keys are held; the one that was used longest ago goes first."""


class HeldKeys:
    """Unwrapped keys by their rows. For one event loop; not for threads."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS, now: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._keys: OrderedDict[tuple[str, int], tuple[bytes, float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"HeldKeys({len(self)})"

    def get(self, row: KeyRow) -> bytes | None:
        """The key of exactly this row, if it is held."""
        self._expire()
        found = self._keys.get((row.owner, row.version))
        if found is None or found[0] != _digest(row):
            return None
        self._keys.move_to_end((row.owner, row.version))
        return found[2]

    def put(self, row: KeyRow, key: bytes) -> None:
        """Hold the row's key."""
        self._expire()
        self._keys[row.owner, row.version] = (_digest(row), self._now() + self._seconds, key)
        self._keys.move_to_end((row.owner, row.version))
        while len(self._keys) > self._most:
            self._keys.popitem(last=False)

    def drop(self, owner: str) -> None:
        """Let go of all keys of the owner."""
        for place in [place for place in self._keys if place[0] == owner]:
            del self._keys[place]

    def _expire(self) -> None:
        now = self._now()
        for place in [place for place, (_, until, _) in self._keys.items() if until <= now]:
            del self._keys[place]


def _digest(row: KeyRow) -> bytes:
    return hashlib.sha256(row.key_id.encode() + b"\0" + row.wrapped).digest()
