"""Which items of the source are moved: rclone's filters (https://rclone.org/filtering/), rule for rule.

The first rule that matches decides; what no rule matches is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mover.core.errors import BadOption
from mover.engine.filter_rules import Rule, Rules

REMEMBERED: Final = 4096
"""How many folders' verdicts a filter keeps at hand."""


class Filter:
    """Says of every path below the root of a copy whether it is moved. One without rules and bounds costs nothing.

    Paths are "/"-joined, without a leading slash. Ask it in any order; it is quickest when a folder's files come together.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        *,
        min_size: int | None = None,
        max_size: int | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        ignore_case: bool = False,
    ) -> None:
        """Sizes are in bytes and times are aware; a file that lies exactly on a bound is taken.

        Raises:
            BadOption: a pattern cannot be read, or the bounds leave nothing; the text says which rule and why.
        """
        if min_size is not None and max_size is not None and min_size > max_size:
            raise BadOption(f"the smallest size ({min_size} bytes) is above the largest ({max_size} bytes)")
        if not_before is not None and not_after is not None and not_before > not_after:
            raise BadOption(f"files not before {not_before} and not after {not_after}: there are none")
        self._sizes = (min_size, max_size)
        self._times = (not_before, not_after)
        self._bounded = (min_size, max_size, not_before, not_after) != (None, None, None, None)
        self._rules = Rules(rules, ignore_case=ignore_case)
        self._folders: dict[str, Rule | None] = {}
        self.active = bool(rules) or self._bounded
        """Whether anything may be left out at all."""

    def takes_file(self, path: str, size: int | None = None, modified: datetime | None = None) -> bool:
        """Whether the file is moved; never if its folder is left out.

        A size that is not known is smaller than any smallest size (as in rclone). A time that is not known is within all bounds: nothing is
        left out on a guess.
        """
        if not self.active:
            return True
        if self._bounded and self._out_of_bounds(size, modified):
            return False
        return self._refusal(path) is None

    def takes_folder(self, path: str) -> bool:
        """Whether the folder must be listed. `False` only if no file below it is moved."""
        return not self._rules.for_folders or self._refusal_of_folder(path) is None

    def reason(self, path: str, size: int | None = None, modified: datetime | None = None) -> str:
        """Why the file is not moved, for the report; "" if it is."""
        if self._bounded and (out := self._out_of_bounds(size, modified)):
            return out
        return _reason(self._refusal(path))

    def reason_for_folder(self, path: str) -> str:
        """Why the folder is not listed, for the report; "" if it is."""
        return _reason(self._refusal_of_folder(path))

    def _refusal(self, path: str) -> Rule | None:
        refusal = self._refusal_of_folder(path.rpartition("/")[0]) if self._rules.for_folders else None
        return refusal or self._rules.refusal_of_file(path)

    def _refusal_of_folder(self, path: str) -> Rule | None:
        known = self._folders
        if path in known:
            return known[path]
        if len(known) > REMEMBERED:
            known.clear()
        missing: list[str] = []
        while path and path not in known:
            missing.append(path)
            path = path.rpartition("/")[0]
        refusal = known[path] if path else None
        for folder in reversed(missing):
            refusal = known[folder] = refusal or self._rules.refusal_of_folder(folder)
        return refusal

    def _out_of_bounds(self, size: int | None, modified: datetime | None) -> str | None:
        smallest, largest = self._sizes
        if smallest is not None and (size is None or size < smallest):
            return f"smaller than {smallest} bytes" if size is not None else "its size is not known"
        if largest is not None and size is not None and size > largest:
            return f"larger than {largest} bytes"
        if modified is None:
            return None
        not_before, not_after = self._times
        if not_before is not None and modified < not_before:
            return f"last changed before {not_before:%Y-%m-%d %H:%M:%S} UTC"
        if not_after is not None and modified > not_after:
            return f"last changed after {not_after:%Y-%m-%d %H:%M:%S} UTC"
        return None


EVERYTHING: Final = Filter()
"""Leaves nothing out."""


def _reason(refusal: Rule | None) -> str:
    if refusal is None:
        return ""
    return f"left out by the rule {refusal}" + (f" ({refusal.where})" if refusal.where else "")
