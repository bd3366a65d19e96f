"""What confines a runner, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Holds = Literal["yes", "partly", "no"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One of them. `why` says, for people, what holds, or what this machine or its operator left open."""

    name: str
    holds: Holds
    why: str
