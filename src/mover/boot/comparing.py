"""Two folders held side by side: the plan of a copy in one direction, and in the other what only the destination has."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from mover.boot.wanted import Wanted
from mover.boot.working import Watch, Worker
from mover.core.model import Kind
from mover.core.states import State
from mover.engine.journal import Line
from mover.runner.ends import NoSuchPlace

Difference = Literal["missing", "differs", "extra", "unfit", "unread"]


@dataclass(frozen=True, slots=True)
class Found:
    """A difference. `extra` is what only the destination has; `unfit` cannot be at the destination at all; `unread` could not be read."""

    difference: Difference
    path: str
    size: int | None
    reason: str | None


@dataclass(slots=True)
class Sums:
    """What a comparison came to, in items; differences by their kind."""

    same: int = 0
    filtered: int = 0
    of: Counter[Difference] = field(default_factory=Counter["Difference"])

    @property
    def differences(self) -> int:
        """All of them."""
        return self.of.total()


async def compared(
    worker: Worker, wanted: Wanted, sums: Sums, watch: Callable[[], Watch], *, one_way: bool
) -> AsyncIterator[Found]:
    """Every difference, by path; first those of the source's items. Nothing is written.

    With `verify` "full" files of equal size are read on both sides, and their contents decide; else only listings are compared.

    Raises:
        MoverError: a folder cannot be listed.
    """
    with worker.plan_journal() as journal:
        outcome = await worker.plan(wanted, journal, watch(), prove=wanted.settings.verify == "full")
        sums.same = outcome.counts.get(State.SAME, (0, 0))[0]
        sums.filtered = outcome.counts.get(State.FILTERED, (0, 0))[0]
        for line in journal.lines(State.PLANNED, State.UNFIT, State.FAILED):
            difference = _named(line.state, line.detail)
            sums.of[difference] += 1
            yield Found(difference, line.path, line.size, line.detail)
    if one_way:
        return
    looking = replace(wanted.settings, verify="none")
    back = replace(wanted, source=wanted.destination, destination=wanted.source, settings=looking)
    with worker.plan_journal() as journal, suppress(NoSuchPlace):
        await worker.plan(back, journal, watch())
        for line in journal.lines(State.PLANNED, State.UNFIT, State.FAILED):
            if (found := _only_there(line)) is not None:
                sums.of[found.difference] += 1
                yield found


def _only_there(line: Line) -> Found | None:
    """What the way back found and the way there could not."""
    if line.state is State.FAILED and line.kind is not Kind.FOREIGN:
        return Found("unread", line.path, line.size, line.detail)
    if (line.state is State.PLANNED and (line.detail or "new") == "new") or line.kind is not Kind.FILE:
        return Found("extra", line.path, line.size, "only the destination has it")
    return None


def _named(state: State, detail: str | None) -> Difference:
    if state is not State.PLANNED:
        return "unread" if state is State.FAILED else "unfit"
    return "missing" if (detail or "new") == "new" else "differs"
