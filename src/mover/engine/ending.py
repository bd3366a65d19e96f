"""How a pass ended, whatever broke it off."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal

from mover.core.errors import MoverError
from mover.engine.control import Control
from mover.engine.journal import Journal
from mover.engine.side import LinkLost, first_of


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. A paused run can be resumed; `problem` is what made it pause, if it was not a person."""

    state: Literal["done", "paused"]
    reason: str | None = None
    problem: MoverError | None = None


async def ended(stages: Awaitable[None], journal: Journal, control: Control) -> Ending:
    """Wait for the stages of a pass. What they wrote is durable when this returns.

    Raises:
        MoverError: something other than a lost connection broke through; by itself, not in its group.
    """
    try:
        await stages
    except LinkLost as lost:
        return await _lost(lost, journal, control)
    except BaseExceptionGroup as group:
        lost = first_of(group, LinkLost)
        if isinstance(lost, LinkLost):
            return await _lost(lost, journal, control)
        await journal.flush()
        raise first_of(group, MoverError) from group
    await journal.flush()
    return Ending("paused", control.reason) if control.pausing else Ending("done")


async def _lost(lost: LinkLost, journal: Journal, control: Control) -> Ending:
    await journal.flush()
    control.pause(lost.problem.detail)
    return Ending("paused", lost.problem.detail, lost.problem)
