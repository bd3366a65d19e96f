"""`mover run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mover.cli.output import Format, data, format_option, table

if TYPE_CHECKING:
    from mover.boot.runs import RunFolder


@click.group()
def run() -> None:
    """List, show, resume and report runs."""


@run.command("list")
@format_option
def list_runs(form: Format) -> None:
    """List all runs, the latest first."""
    from mover.boot.home import home
    from mover.boot.runs import Runs

    table(
        ("run", "state", "source", "destination", "updated", "reason"),
        [_row(found, form) for found in Runs(home()).all()],
        form,
    )


def _row(found: RunFolder, form: Format) -> tuple[str | int | None, ...]:
    record, standing = found.record(), found.standing()
    updated = f"{standing.updated:%Y-%m-%d %H:%M}" if form == "table" else standing.updated.isoformat()
    return (
        found.number if form != "table" else str(found.number),
        standing.state,
        record.source.address,
        record.destination.address,
        updated,
        standing.reason,
    )


@run.command()
@click.argument("number", type=click.IntRange(1))
@format_option
def show(number: int, form: Format) -> None:
    """Show one run: what was asked, how it stands, its totals."""
    from mover.boot.home import home
    from mover.boot.reports import head
    from mover.boot.runs import Runs
    from mover.cli.shown import show_run

    found = Runs(home()).get(number)
    with found.journal() as journal:
        counts = journal.counts()
    if form == "json":
        data(head(found, found.standing(), counts))
    else:
        show_run(found, counts, form)


@run.command()
@click.argument("number", type=click.IntRange(1))
@click.option("-P", "--progress", is_flag=True, help="Show what goes on, on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results.")
@click.option("-v", "--verbose", count=True, help="Name every item as it is settled; -vv: every failed attempt too.")
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
@click.argument("number", type=click.IntRange(1))
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
