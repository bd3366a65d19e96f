"""`mover run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mover.cli.completing import runs
from mover.cli.output import Format, data, format_option, say, table

if TYPE_CHECKING:
    from mover.boot.run_list import ListedRun


@click.group()
def run() -> None:
    """List, show, resume and report runs."""


@run.command("list")
@format_option
def list_runs(form: Format) -> None:
    """List all runs, the latest first. One that cannot be read is listed as damaged, with what to do."""
    from mover.boot.home import home
    from mover.boot.run_list import listed
    from mover.boot.runs import Runs

    found = list(listed(Runs(home())))
    columns = ("run", "state", "source", "destination", "updated", "reason", "advice")
    if form == "table":
        table(columns[:-1], [_shown(run) for run in found], form)
        for run in found:
            if run.state == "damaged":
                say(f"run {run.number} is damaged. {run.advice}")
        return
    table(columns, [(r.number, r.state, r.source, r.destination, _iso(r), r.reason, r.advice) for r in found], form)


def _shown(run: ListedRun) -> tuple[str | None, ...]:
    updated = None if run.updated is None else f"{run.updated:%Y-%m-%d %H:%M}"
    return str(run.number), run.state, run.source, run.destination, updated, run.reason


def _iso(run: ListedRun) -> str | None:
    return None if run.updated is None else run.updated.isoformat()


@run.command()
@click.argument("number", type=click.IntRange(1), shell_complete=runs)
@format_option
def show(number: int, form: Format) -> None:
    """Show one run: what was asked, how it stands, its totals."""
    from mover.boot.home import home
    from mover.boot.reports import head
    from mover.boot.runs import Runs
    from mover.cli.shown import show_run

    found = Runs(home()).get(number)
    with found.settled_journal() as journal:
        counts = journal.counts()
    if form == "json":
        data(head(found, found.standing(), counts))
    else:
        show_run(found, counts, form)


@run.command()
@click.argument("number", type=click.IntRange(1), shell_complete=runs)
@click.option("-P", "--progress", is_flag=True, help="Show what goes on, on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results.")
@click.option(
    "-v",
    "--verbose",
    count=True,
    help="Name every item as it is settled; -vv: every failed attempt and HTTP request too.",
)
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write the report there.")
@format_option
def resume(number: int, **said: Any) -> int:
    """Go on with a run. One that is done is gone over once more: failed items are tried again."""
    from mover.boot.home import home
    from mover.boot.working import Worker
    from mover.cli.copying import worked

    worker = Worker(home())
    return worked(lambda watch: worker.resume(number, watch), worker, {**said, "error_on_nothing": False})


@run.command()
@click.argument("number", type=click.IntRange(1), shell_complete=runs)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["copied", "same", "filtered", "unfit", "failed", "planned"]),
    help="Only items in this state; may be given several times.",
)
@format_option
def report(number: int, states: tuple[str, ...], form: Format) -> None:
    """Report a run: totals, and items with their reason and proof.

    The table shows what was not copied; JSON and CSV show every item. --state chooses.
    """
    import sys

    from mover.boot.home import home
    from mover.boot.runs import Runs
    from mover.cli.results import print_report
    from mover.core.states import State

    print_report(Runs(home()).get(number), form, [State(s) for s in states], sys.stdout)
