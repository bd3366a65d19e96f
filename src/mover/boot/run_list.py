"""The list of runs. One that cannot be read is listed too, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mover.boot.run_folder import RunFolder, Standing
from mover.boot.runs import Runs
from mover.core.errors import MoverError


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run as a list shows it. `state` is "damaged" if a file of it cannot be read; what is then not known is `None`."""

    number: int
    state: str
    source: str | None = None
    destination: str | None = None
    updated: datetime | None = None
    reason: str | None = None
    advice: str | None = None


def listed(runs: Runs) -> Iterator[ListedRun]:
    """Every run, the latest first."""
    for run in runs.all():
        try:
            yield _listed(run)
        except MoverError as problem:
            yield _damaged(run, problem.detail)
        except OSError as problem:
            yield _damaged(run, f"{problem.filename}: {problem.strerror}")


def _listed(run: RunFolder) -> ListedRun:
    record, standing = run.record(), run.standing()
    return ListedRun(
        run.number,
        standing.state,
        record.source.address,
        record.destination.address,
        standing.updated,
        standing.reason or _left(standing),
        standing.advice,
    )


def _left(standing: Standing) -> str | None:
    """What a run did not copy that came to its end."""
    left = [f"{count:,} {what}" for count, what in ((standing.failed, "failed"), (standing.unfit, "unfit")) if count]
    return ", ".join(left) or None


def _damaged(run: RunFolder, why: str) -> ListedRun:
    advice = (
        f"Restore it from a backup, or remove {run.folder}: what was copied stays where it is, "
        "and the same copy asked for anew finds it there."
    )
    return ListedRun(run.number, "damaged", reason=why, advice=advice)
