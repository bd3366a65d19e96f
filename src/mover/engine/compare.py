"""Whether what the destination has is what the source has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mover.core.model import Digest, Entry
from mover.engine.settings import Compare


class Verdict(Enum):
    """What to do with a file that has a namesake at the destination."""

    SAME = "same"
    CHANGED = "changed"
    ASK = "ask"  # the destination must be asked for more than its listing told


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict and what it rests on, in words for the plan."""

    verdict: Verdict
    by: str


def common_digest(one: Entry, other: Entry) -> tuple[Digest, Digest] | None:
    """A digest both have of the same kind; the first in the order of `one`."""
    for mine in one.digests:
        theirs = other.digest(mine.algorithm)
        if theirs is not None:
            return mine, theirs
    return None


def compare(source: Entry, there: Entry, *, how: Compare, time_step: float, asked: bool) -> Finding:
    """Compare two files of one name.

    `time_step` is the coarser precision of both sides in seconds. `asked` says that `there` is all that the destination can tell;
    before that the verdict may be `ASK`.
    """
    if source.size is None or there.size is None:
        return Finding(Verdict.CHANGED, "size unknown")
    if source.size != there.size:
        return Finding(Verdict.CHANGED, "size")
    if how == "size":
        return Finding(Verdict.SAME, "size")
    if (pair := common_digest(source, there)) is not None:
        equal = pair[0].value == pair[1].value
        if equal or pair[0].algorithm not in ("md5-of-parts", "opaque"):
            return Finding(Verdict.SAME if equal else Verdict.CHANGED, pair[0].algorithm)
    if how == "digest":
        return Finding(Verdict.CHANGED, "no common digest")
    return _by_time(source, there, how=how, time_step=time_step, asked=asked)


def _by_time(source: Entry, there: Entry, *, how: Compare, time_step: float, asked: bool) -> Finding:
    changed = source.modified or source.stored
    if how == "stored" and changed is not None and (received := there.stored or there.modified) is not None:
        return Finding(Verdict.SAME if received >= changed else Verdict.CHANGED, "stored later")
    if source.modified is not None and there.modified is not None:
        apart = abs((source.modified - there.modified).total_seconds())
        return Finding(Verdict.SAME if apart <= time_step else Verdict.CHANGED, "time")
    if not asked:
        return Finding(Verdict.ASK, "time not listed")
    if changed is not None and (received := there.stored or there.modified) is not None:
        return Finding(Verdict.SAME if received >= changed else Verdict.CHANGED, "stored later")
    return Finding(Verdict.SAME, "size, as nothing else is known")
