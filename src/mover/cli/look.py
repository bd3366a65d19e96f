"""`mover ls`, `mover tree` and `mover about`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mover.cli.completing import addresses
from mover.cli.output import Format, by_name, format_option, size_text, table
from mover.cli.places import key_options, option_options
from mover.cli.small import run_small
from mover.cli.wire import wire_option

F = TypeVar("F", bound=Callable[..., Any])


def _one_place(command: F) -> F:
    key = key_options("source", "Look behind your own encryption: with the key in this file.")
    place = click.argument("source", metavar="ADDRESS", shell_complete=addresses)
    return place(key(option_options("source")(wire_option(format_option(command)))))


@click.command()
@_one_place
@click.option("-R", "--recursive", is_flag=True, help="All files below, by path.")
@click.option("--total", is_flag=True, help="Count files and bytes instead of listing them.")
def ls(form: Format, recursive: bool, total: bool, **said: Any) -> None:
    """List a folder: size in bytes, time in UTC, name. Folders end in a slash."""
    from mover.boot.looking import entries
    from mover.cli.listing import looked_at, print_deep, print_entries

    async def look() -> None:
        async with looked_at(said) as side:
            if recursive:
                await print_deep(side, form, only_total=total)
            else:
                print_entries(await entries(side), form, only_total=total)

    run_small(look())


@click.command()
@_one_place
@click.option("--depth", type=click.IntRange(1), default=10_000, help="How many levels to show.")
def tree(form: Format, depth: int, **said: Any) -> None:
    """List a folder and all below it, as it is found."""
    from mover.cli.listing import looked_at, print_tree

    async def look() -> None:
        async with looked_at(said) as side:
            await print_tree(side, form, depth)

    run_small(look())


@click.command()
@_one_place
def about(form: Format, **said: Any) -> None:
    """Show an account: how it is protected, room left, what it can do."""
    from mover.cli.listing import facts_of

    found = run_small(facts_of(said))
    if form == "table":
        sizes = ("used", "free", "total")
        by_name({n: size_text(v) if n in sizes and isinstance(v, int) else v for n, v in found.items()})
    else:
        table(tuple(found), [tuple(found.values())], form)
