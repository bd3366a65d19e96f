"""Where a run stands, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mover.core.states import State


@dataclass(slots=True)
class Active:
    """A file on its way. Sizes in bytes."""

    path: str
    size: int | None
    moved: int = 0


@dataclass(slots=True)
class Progress:
    """Counts so far. `bytes_moved` counts what arrived from the source, whether or not it was needed twice."""

    found: int = 0
    found_bytes: int = 0
    folders: int = 0
    scanned: bool = False
    planned: int = 0
    planned_bytes: int = 0
    items: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    copied_bytes: int = 0
    bytes_moved: int = 0
    attempts_failed: int = 0
    waiting: str | None = None
    active: dict[int, Active] = field(default_factory=dict[int, Active])

    @property
    def settled(self) -> int:
        """Items that are accounted for."""
        return sum(n for state, n in self.items.items() if state is not State.PLANNED)
