"""`mover connection check`."""

from __future__ import annotations

import asyncio

import click

from mover.boot.connections import Connections
from mover.boot.home import home
from mover.boot.looking import entries, place, saved
from mover.cli.output import Cell, Format, data, safe, say
from mover.core.errors import ItemError

ITEMS_FAILED = 3


def check_connection(name: str, form: Format, *, deep: bool, quick: bool) -> int:
    """Open it and list its root; with `deep` try every promise. The exit code is 3 if one is not kept."""
    options = Connections(home()).options(name)

    async def look() -> int:
        async with place(home(), saved(name)) as (_, side):
            return len(await entries(side))

    found = asyncio.run(look())
    say(f"{name}: {options.spec.title}, {options.channel.value}; it opens, and its root shows {found} items")
    if not deep:
        if form == "json":
            data({"name": name, "connector": options.spec.key, "channel": options.channel.value, "items": found})
        return 0
    return _deep(name, form, quick=quick)


def _deep(name: str, form: Format, *, quick: bool) -> int:
    from mover.conformance.run import Outcome, run_checks

    def told(outcome: Outcome) -> None:
        if form == "table":
            detail = f"  {safe(outcome.detail)}" if outcome.detail else ""
            click.echo(f"{outcome.result:<8} {outcome.check.name}{detail}")

    try:
        outcomes = asyncio.run(run_checks(Connections(home()).options(name), slow=not quick, progress=told))
    except ItemError as problem:
        raise problem.at(f"--deep writes into a folder of its own in {name}") from problem
    if form != "table":
        rows: list[dict[str, Cell]] = [
            {"check": o.check.name, "result": o.result, "detail": o.detail} for o in outcomes
        ]
        data(rows)
    failed = sum(o.result == "failed" for o in outcomes)
    passed = sum(o.result == "passed" for o in outcomes)
    say(f"{passed} promises kept, {failed} broken, {len(outcomes) - passed - failed} do not apply")
    return ITEMS_FAILED if failed else 0
