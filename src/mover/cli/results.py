"""What a run or a plan came to, on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TextIO

import click

from mover.boot.reports import ORDER, head, items, moment, plain_item, standing_of, totals_of
from mover.boot.run_folder import RunFolder
from mover.boot.working import Outcome
from mover.cli.output import Format, counted, csv_row, data, safe, say, size_text
from mover.cli.progress import duration
from mover.core.states import State
from mover.engine.journal import Line
from mover.engine.local_journal import LocalJournal

COLUMNS: Final = (
    "path",
    "kind",
    "state",
    "size",
    "modified",
    "target",
    "code",
    "reason",
    "attempts",
    "method",
    "algorithm",
    "source",
    "destination",
)
"""The columns of a report as CSV."""

NOT_COPIED: Final = (State.FAILED, State.UNFIT, State.FILTERED, State.PLANNED)


def print_outcome(outcome: Outcome, form: Format, code: int, *, quiet: bool) -> None:
    """The end of a run: totals on standard output, and on standard error what to do next."""
    standing = outcome.standing
    if form == "json":
        data(
            {
                "run": outcome.run,
                "state": standing.state,
                "exit_code": code,
                **standing_of(standing, outcome.counts),
            }
        )
    elif form == "csv":
        _print_counts(outcome)
    elif not quiet:
        click.echo(_sentence(outcome))
    _say_if_wrong(outcome)
    if standing.state == "paused":
        say(f"paused: {standing.reason}")
        if standing.advice:
            say(standing.advice)
        say(f"Go on with: mover run resume {outcome.run}")
    elif code in (3, 6) and not quiet:
        say(f"See why with: mover run report {outcome.run}")


def print_plan(outcome: Outcome, journal: LocalJournal, form: Format, code: int) -> None:
    """A plan: each item that a copy would touch or refuse, then the totals."""
    shown = (State.PLANNED, State.UNFIT, State.FAILED)
    if form == "json":
        whole = {"run": None, "state": "planned", "exit_code": code, **standing_of(outcome.standing, outcome.counts)}
        stream_json(sys.stdout, whole, (plain_item(line) for line in journal.lines(*shown)))
    elif form == "csv":
        csv_row(("state", "reason", "size", "path", "target"))
        for line in journal.lines(*shown):
            csv_row((line.state.value, line.detail, line.size, line.path, line.target))
    else:
        for line in journal.lines(*shown):
            click.echo(_plan_line(line))
        click.echo(_sentence(outcome))
    _say_if_wrong(outcome)


def print_report(run: RunFolder, form: Format, states: Sequence[State], to: TextIO) -> None:
    """The report of a run. A table shows what was not copied unless states are named; JSON and CSV show every item."""
    standing = run.standing()
    with run.settled_journal() as journal:
        counts = journal.counts()
        if form == "json":
            stream_json(to, head(run, standing, counts), items(journal, *states))
        elif form == "csv":
            _row(to, COLUMNS)
            for line in journal.lines(*states):
                _row(to, _cells(line))
        else:
            _print_table(run, journal, states or NOT_COPIED, to)
    if not totals_of(counts, standing).adds_up:
        say(_WRONG)


def must_be_writable(file: Path) -> None:
    """Find out before the work whether its report will have a place. Raises `click.BadParameter`."""
    if file.is_dir():
        problem = "is a folder"
    elif not file.parent.is_dir():
        problem = f"cannot be made: there is no folder {file.parent}"
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        problem = "cannot be written"
    else:
        return
    raise click.BadParameter(f"{file} {problem}", param_hint="--report")


def write_report(run: RunFolder, file: Path) -> None:
    """The report into a file; its ending says in which form. A new file is readable by its owner only: names are private."""
    form: Format = "json" if file.suffix == ".json" else "csv" if file.suffix == ".csv" else "table"
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8") as opened:
        print_report(run, form, (), opened)


def stream_json(to: TextIO, whole: dict[str, object], items: Iterable[dict[str, object]]) -> None:
    """One JSON document: `whole` with `items` as its last field, written item by item."""
    to.write(json.dumps(whole, indent=2).removesuffix("\n}") + ',\n  "items": [')
    between = "\n    "
    for item in items:
        to.write(between + json.dumps(item))
        between = ",\n    "
    to.write("\n  ]\n}\n")


def told(line: Line) -> str:
    """One line about an item, for `-v`."""
    reason = f": {line.detail}" if line.detail else ""
    return f"{line.state.value:<8} {line.path}{reason}"


_WRONG: Final = (
    "error: the counts of this run do not add up. This is a fault in Mover; please report it with the run's number."
)


def _print_counts(outcome: Outcome) -> None:
    csv_row(("state", "items", "bytes"))
    for name, numbers in totals_of(outcome.counts, outcome.standing).plain().items():
        csv_row((name, numbers["items"], numbers["bytes"]))


def _print_table(run: RunFolder, journal: LocalJournal, states: Sequence[State], to: TextIO) -> None:
    record, standing, counts = run.record(), run.standing(), journal.counts()
    totals = totals_of(counts, standing)
    lines = [
        f"run {run.number}: {standing.state}" + (f" ({standing.reason})" if standing.reason else ""),
        f"from {record.source.address} to {record.destination.address}",
        f"asked {record.now:%Y-%m-%d %H:%M} UTC, worked {duration(standing.seconds)}, passes: {standing.passes}",
        "found {} = {}".format(
            f"{totals.found:,}",
            " + ".join(
                f"{counts.get(s, (0, 0))[0]:,} {s.value}" for s in ORDER if s is not State.PLANNED or s in counts
            ),
        ),
    ]
    to.writelines(safe(line) + "\n" for line in lines)
    for line in journal.lines(*states):
        to.write(f"{line.state.value:<8} {size_text(line.size):>10}  {safe(line.path)}  ({safe(_reason(line))})\n")
        to.writelines(
            f"{'':<8} {'':>10}    attempt failed at {moment(at)}: {code}: {safe(detail)}\n"
            for at, code, detail in (journal.attempts(line.key) if line.attempts else ())
        )


def _reason(line: Line) -> str:
    if line.proof is not None and line.proof.algorithm:
        return f"{line.proof.method} {line.proof.algorithm} {line.proof.source} = {line.proof.destination}"
    return line.detail or line.code or "no reason"


def _cells(line: Line) -> list[str | int | float | None]:
    proof = line.proof
    plain = plain_item(line)
    first = [plain[name] for name in COLUMNS[:9]]
    rest = (None,) * 4 if proof is None else (proof.method, proof.algorithm, proof.source, proof.destination)
    return [cell if isinstance(cell, str | int | float) else None for cell in (*first, *rest)]


def _row(to: TextIO, cells: Sequence[str | int | float | None]) -> None:
    csv_row(cells, to)


def _plan_line(line: Line) -> str:
    what = (line.detail or "new").partition(":")[0] if line.state is State.PLANNED else line.state.value
    end = "" if line.target is None else f" -> {safe(line.target)}"
    reason = "" if line.state is State.PLANNED else f"  ({safe(line.detail or '')})"
    return f"{what:<8} {size_text(line.size):>10}  {safe(line.path)}{end}{reason}"


def _sentence(outcome: Outcome) -> str:
    counts = outcome.counts
    plan = outcome.run is None
    first = State.PLANNED if plan else State.COPIED
    number, size = counts.get(first, (0, 0))
    verb = "to copy" if plan else "copied"
    parts = [f"{counted(number, 'item')} {verb} ({size_text(size)})"]
    parts += [f"{counts[s][0]:,} {s.value}" for s in ORDER if s is not first and s in counts]
    name = "plan" if plan else f"run {outcome.run} {outcome.standing.state}"
    took = "" if plan else f" in {duration(outcome.standing.seconds)}"
    return f"{name}: {', '.join(parts)}{took}"


def _say_if_wrong(outcome: Outcome) -> None:
    if not totals_of(outcome.counts, outcome.standing).adds_up:
        say(_WRONG)
