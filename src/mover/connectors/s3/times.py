"""The times of a listing, understood only when somebody asks for one: a million of them take a second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import overload

from mover.core.errors import Unreachable


class Times(Sequence[float]):
    """ISO 8601 texts as seconds since 1970 UTC. A text that is no time raises `Unreachable` when it is asked for."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> Times: ...
    def __getitem__(self, at: int | slice) -> float | Times:
        if isinstance(at, slice):
            return Times(self._texts[at])
        try:
            return datetime.fromisoformat(self._texts[at]).timestamp()
        except ValueError:
            raise Unreachable("the store's listing holds a time that is none") from None
