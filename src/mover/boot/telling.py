"""A journal that tells somebody of each line, for `-v`."""

from __future__ import annotations

from collections.abc import Callable

from mover.core.states import FINAL
from mover.engine.journal import Attempt, Line
from mover.engine.local_journal import LocalJournal


class TellingJournal(LocalJournal):
    """As its base; `tell` hears of every line, `tell_attempt` of every failed attempt. Files found the same in bulk are not told."""

    tell: Callable[[Line], None] | None = None
    tell_attempt: Callable[[Attempt], None] | None = None

    def write(self, line: Line) -> None:
        super().write(line)
        if self.tell is not None and line.state in FINAL:
            self.tell(line)

    def note(self, attempt: Attempt) -> None:
        super().note(attempt)
        if self.tell_attempt is not None:
            self.tell_attempt(attempt)
