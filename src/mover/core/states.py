"""The states of an item in a run, and which may follow which.

    found -> filtered | unfit | same          decided by the plan; nothing is written
    found -> planned -> copied | failed       decided by the copy
    failed -> planned                         when somebody retries

Every item ends in exactly one of the last states, so that found = copied + same + filtered + unfit + failed.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    """Where an item stands."""

    PLANNED = "planned"
    COPIED = "copied"
    SAME = "same"
    FILTERED = "filtered"
    UNFIT = "unfit"
    FAILED = "failed"


FINAL: Final = frozenset(State) - {State.PLANNED}
"""States in which an item is accounted for."""

NEXT: Final[dict[State | None, frozenset[State]]] = {
    None: frozenset(State),
    State.PLANNED: frozenset({State.COPIED, State.FAILED, State.SAME, State.UNFIT}),
    State.FAILED: frozenset({State.PLANNED, State.COPIED, State.SAME, State.FAILED}),
    State.UNFIT: frozenset({State.PLANNED, State.UNFIT, State.SAME}),
    State.FILTERED: frozenset({State.PLANNED, State.FILTERED}),
    State.SAME: frozenset({State.PLANNED, State.SAME}),
    State.COPIED: frozenset(),
}
"""Which states may follow; `None` is an item nobody has seen yet."""
