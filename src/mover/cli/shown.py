"""One run, for people and spreadsheets."""

from __future__ import annotations

from mover.boot.reports import ORDER, Counts, totals_of
from mover.boot.run_folder import RunFolder
from mover.cli.output import Cell, Format, by_name, table
from mover.cli.progress import duration


def show_run(run: RunFolder, counts: Counts, form: Format) -> None:
    """The facts of a run, one a line."""
    record, standing = run.record(), run.standing()
    settings = record.settings
    facts: dict[str, Cell] = {
        "run": str(run.number),
        "state": standing.state,
        "reason": standing.reason,
        "advice": standing.advice,
        "source": record.source.address,
        "destination": record.destination.address,
        "asked": f"{record.now:%Y-%m-%d %H:%M:%S} UTC",
        "updated": f"{standing.updated:%Y-%m-%d %H:%M:%S} UTC",
        "worked": duration(standing.seconds),
        "passes": standing.passes,
        "verify": settings.verify,
        "compare": settings.compare,
        "encrypted to": record.destination.key,
        "decrypted with": record.source.key,
        "exit code": standing.exit_code,
        "found": totals_of(counts, standing).found,
        **{state.value: counts[state][0] for state in ORDER if state in counts},
    }
    if form == "csv":
        table(("name", "value"), [(name, value) for name, value in facts.items() if value is not None], form)
    else:
        by_name(facts)
