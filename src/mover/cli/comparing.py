"""What `mover check` does."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, get_args

import click

from mover.boot.comparing import Difference, Found, Sums, compared
from mover.boot.home import home
from mover.boot.wanted import Wanted
from mover.boot.working import Watch, Worker
from mover.cli.filtering import filters_of
from mover.cli.interrupts import to_the_end
from mover.cli.output import Format, csv_row, safe, say, size_text
from mover.cli.places import asked
from mover.engine.control import Control
from mover.engine.progress import Progress
from mover.engine.settings import RunSettings

DIFFERENT = 3
INTERRUPTED = 130


def run_check(said: dict[str, Any]) -> int:
    """Compare as the options say; 3 if there is any difference."""
    verify = "none" if said["quick"] else "full"
    settings = RunSettings(
        verify=verify, compare=said["compare"], names=said["names"], links=said["links"], dry_run=True
    )
    wanted = Wanted(asked("source", said), asked("destination", said), settings, filters_of(said))
    one_way = bool(said["one_way"]) or said["names"] == "replace"
    sums, control = Sums(), Control()

    async def all_of_it() -> None:
        printer = _Printer(said["form"])
        async for found in compared(Worker(home()), wanted, sums, lambda: Watch(control, Progress()), one_way=one_way):
            printer.show(found)
        printer.end(sums, one_way=one_way)

    async def steered() -> None:
        await to_the_end(all_of_it(), control)

    asyncio.run(steered())
    if control.pausing:
        say("interrupted: the comparison is not whole")
        return INTERRUPTED
    if not said["quiet"]:
        say(_sentence(sums, one_way=one_way))
    return DIFFERENT if sums.differences else 0


def _sentence(sums: Sums, *, one_way: bool) -> str:
    """What is never looked for is not said to be none."""
    of = sums.of
    counts = [(sums.same, "same"), (of["differs"], "different"), (of["missing"], "missing")]
    if not one_way:
        counts.append((of["extra"], "extra"))
    counts += [(of[kind], kind) for kind in ("unfit", "unread") if of[kind]]
    return ", ".join(f"{number:,} {what}" for number, what in [*counts, (sums.filtered, "filtered")])


class _Printer:
    """Writes differences as they are found."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._between = "\n    "
        if form == "csv":
            csv_row(("difference", "path", "size", "reason"))
        elif form == "json":
            sys.stdout.write('{\n  "differences": [')

    def show(self, found: Found) -> None:
        if self._form == "csv":
            csv_row((found.difference, found.path, found.size, found.reason))
        elif self._form == "json":
            one = {"difference": found.difference, "path": found.path, "size": found.size, "reason": found.reason}
            sys.stdout.write(self._between + json.dumps(one))
            self._between = ",\n    "
        else:
            reason = (
                f"  ({safe(found.reason)})"
                if found.reason and found.difference in ("differs", "unfit", "unread")
                else ""
            )
            click.echo(f"{found.difference:<8} {size_text(found.size):>10}  {safe(found.path)}{reason}")

    def end(self, sums: Sums, *, one_way: bool) -> None:
        if self._form == "json":
            totals = {"same": sums.same, "different": sums.differences, "filtered": sums.filtered}
            totals |= {kind: sums.of[kind] for kind in get_args(Difference) if kind != "extra" or not one_way}
            sys.stdout.write('\n  ],\n  "totals": ' + json.dumps(totals) + "\n}\n")
