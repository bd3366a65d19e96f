"""How whoever watches a run steers it."""

from __future__ import annotations


class Control:
    """Pauses a run: items in hand are finished, nothing new is begun, and the run can be resumed.

    To stop at once, cancel the task that the run works in; it can be resumed just the same.
    """

    def __init__(self) -> None:
        self.reason: str | None = None

    @property
    def pausing(self) -> bool:
        """Whether nothing new is to be begun."""
        return self.reason is not None

    def pause(self, reason: str) -> None:
        """Ask for a pause. The first reason is the one that is kept."""
        self.reason = self.reason or reason
