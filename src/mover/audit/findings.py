"""What a check of the log can find, in plain words, with what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Wrong(Enum):
    """What is wrong with the log."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"
    MISSING = "missing"
    SWAPPED = "swapped"
    INSERTED = "inserted"
    CUT = "cut"
    REWRITTEN = "rewritten"
    BESIDE = "beside"
    CHECKPOINT = "checkpoint"


_KEEP: Final = "Change nothing more, and keep this copy and every kept checkpoint."
_ADVICE: Final = {
    Wrong.UNREADABLE: f"{_KEEP} If this is an export, export again and compare: a file may also be cut on its way.",
    Wrong.CHANGED: f"{_KEEP} Take the entry from an older export or backup and compare: the difference is what somebody wanted hidden.",
    Wrong.MISSING: f"{_KEEP} Take the missing entries from an older export or backup.",
    Wrong.SWAPPED: f"{_KEEP} Sort a copy by index and check that: if it holds, only the order was changed.",
    Wrong.INSERTED: f"{_KEEP} An older export or backup tells which of the entries is the true one.",
    Wrong.CUT: f"{_KEEP} If the database was put back from a backup, that is the reason: note it, and keep the old checkpoints. "
    "Else take the entries from an older export or backup.",
    Wrong.REWRITTEN: f"{_KEEP} Compare with an older export or backup, entry by entry, in the range that is named. "
    "If the database was put back from a backup made before that checkpoint, that is the reason: note it.",
    Wrong.BESIDE: f"{_KEEP} The entries hold; only what is stored beside them to look and prove quickly was changed. "
    "Find out who could write to the database.",
    Wrong.CHECKPOINT: f"{_KEEP} Take the checkpoint from another witness, and make sure that the log's name and key are the right ones.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong. `index` is the first entry that is; None if no entry is, but a checkpoint."""

    wrong: Wrong
    index: int | None
    what: str

    @property
    def advice(self) -> str:
        """What to do next."""
        return _ADVICE[self.wrong]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to.

    `entries` were read; the first `proven` of them are exactly those that a signed checkpoint was made of. What comes after is in
    order by itself, but whoever rules the machine could have changed or cut it. `checkpoints` were compared.
    """

    entries: int
    proven: int
    checkpoints: int
    root: bytes
    finding: Finding | None = None

    @property
    def holds(self) -> bool:
        """Nothing wrong was found."""
        return self.finding is None

    def words(self) -> str:
        """The verdict for a person, some lines."""
        if self.finding is not None:
            proven = (
                f"Entries below {self.proven} are as they were signed."
                if self.proven
                else "No entry is proven to be as it was."
            )
            return f"The audit log does not hold.\n{self.finding.what}\n{proven}\n{self.finding.advice}"
        if not self.checkpoints:
            return (
                f"{self.entries} entries are in order, but no checkpoint was given: a log that was rewritten whole, or cut at its end, "
                "looks like this too. Check again with checkpoints that were kept on another machine."
            )
        later = self.entries - self.proven
        rest = f" The {later} after that are in order, but no checkpoint covers them yet." if later else ""
        return f"The audit log holds: {self.proven} entries are exactly those that were signed ({self.checkpoints} checkpoints).{rest}"
