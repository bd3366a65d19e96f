"""The report of a run: totals that add up, and every item with its reason and proof. It is streamed: a run may have millions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mover.boot.run_folder import RunFolder, Standing
from mover.core.states import FINAL, State
from mover.engine.journal import Line, Proof
from mover.engine.local_journal import LocalJournal

ORDER: Final = (State.COPIED, State.SAME, State.FILTERED, State.UNFIT, State.FAILED, State.PLANNED)

Counts = Mapping[State, tuple[int, int]]
Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Items and bytes by state. `adds_up` says whether the scan's count and the journal's are one."""

    counts: Counts
    adds_up: bool

    @property
    def found(self) -> int:
        """All items that were found."""
        return sum(items for items, _ in self.counts.values())

    def plain(self) -> dict[str, dict[str, int]]:
        """For JSON: `{"found": {"items": 3, "bytes": 12}, "copied": ...}`."""
        every = {"found": (self.found, sum(size for _, size in self.counts.values()))}
        every |= {state.value: self.counts.get(state, (0, 0)) for state in ORDER}
        return {name: {"items": items, "bytes": size} for name, (items, size) in every.items()}


def totals_of(counts: Counts, standing: Standing) -> Totals:
    """The totals, held against what the scan counted.

    After a whole pass every item found has its last state. The journal also holds items of earlier passes, which may be gone since: it may
    have more than the last pass found, never fewer, and not more after the first.
    """
    if standing.found is None or standing.settled is None:
        return Totals(counts, adds_up=True)
    kept = sum(items for state, (items, _) in counts.items() if state in FINAL or standing.plan_only)
    right = kept == standing.found if standing.passes == 1 else kept >= standing.found
    return Totals(counts, standing.found == standing.settled and right)


def head(run: RunFolder, standing: Standing, counts: Counts) -> dict[str, object]:
    """What JSON says of a run as a whole."""
    record = run.record()
    return {
        "run": run.number,
        "state": standing.state,
        "source": record.source.address,
        "destination": record.destination.address,
        "asked": record.now.isoformat(),
        "updated": standing.updated.isoformat(),
        "seconds": round(standing.seconds, 3),
        "passes": standing.passes,
        "exit_code": standing.exit_code,
        **standing_of(standing, counts),
    }


def standing_of(standing: Standing, counts: Counts) -> dict[str, object]:
    """Totals and problem, for JSON."""
    totals = totals_of(counts, standing)
    problem = None
    if standing.reason is not None:
        problem = {"code": standing.code, "detail": standing.reason, "advice": standing.advice}
    return {"problem": problem, "totals": totals.plain(), "adds_up": totals.adds_up}


def items(journal: LocalJournal, *states: State) -> Iterator[dict[str, object]]:
    """Every item, or those in some states, for JSON."""
    for line in journal.lines(*states):
        yield {**plain_item(line), "failures": failures(journal, line)}


def plain_item(line: Line) -> dict[str, object]:
    """One item for JSON; `size` in bytes, `modified` in UTC."""
    return {
        "path": line.path,
        "kind": line.kind.value,
        "state": line.state.value,
        "size": line.size,
        "modified": moment(line.modified),
        "target": line.target,
        "code": line.code,
        "reason": line.detail,
        "attempts": line.attempts,
        "proof": proof_of(line.proof),
    }


def proof_of(proof: Proof | None) -> dict[str, Plain] | None:
    """How the destination's bytes were proved, with both digests."""
    if proof is None:
        return None
    return {
        "method": proof.method,
        "algorithm": proof.algorithm,
        "source": proof.source,
        "destination": proof.destination,
    }


def failures(journal: LocalJournal, line: Line) -> list[dict[str, Plain]]:
    """The attempts that failed; only items that had any are asked for."""
    if line.attempts <= (1 if line.state is State.COPIED else 0):
        return []
    return [{"at": moment(at), "code": code, "detail": detail} for at, code, detail in journal.attempts(line.key)]


def moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
