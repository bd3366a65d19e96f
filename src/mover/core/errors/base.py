"""What all errors share: a public code, whether trying again may help, how a command ends, and advice."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Self


class Retry(Enum):
    """What a caller may do with the same request."""

    NEVER = "never"
    SOON = "soon"
    WHEN_TOLD = "when told"


class MoverError(Exception):
    """Base of all errors Mover raises on purpose.

    `code` is stable and public: it is the API's `type`, the report's column, the docs' anchor. `detail` is for the user and
    holds no secret; the cause, chained by `raise ... from`, stays in the log. `after` is the time in seconds that
    the provider asked us to wait. `advice` is the class's, where the place that raises knows no better.
    """

    code: ClassVar[str] = "internal"
    retry: ClassVar[Retry] = Retry.NEVER
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    advice: str = "This is a fault in Mover. Please report it with the run's number."

    def __init__(
        self, detail: str, *, item: str | None = None, after: float | None = None, advice: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.item = item
        self.after = after
        if advice is not None:
            self.advice = advice

    def at(self, place: str) -> Self:
        """The same error, with the place where it happened before its words."""
        return type(self)(f"{place}: {self.detail}", item=self.item, after=self.after, advice=self.advice)
