"""`mover ls`, `mover tree` and `mover about`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mover.cli.output import Cell, Format, by_name, csv_row, data, format_option, safe, say, size_text, table
from mover.cli.places import option_options
from mover.cli.small import run_small

F = TypeVar("F", bound=Callable[..., Any])


def _one_place(command: F) -> F:
    return click.argument("address")(option_options("source")(format_option(command)))


@click.command()
@_one_place
@click.option("-R", "--recursive", is_flag=True, help="All files below, by path.")
@click.option("--total", is_flag=True, help="Count files and bytes instead of listing them.")
def ls(
    address: str,
    source_option: tuple[str, ...],
    source_secret: tuple[str, ...],
    form: Format,
    recursive: bool,
    total: bool,
) -> None:
    """List a folder: size in bytes, time in UTC, name. Folders end in a slash."""
    from mover.boot.home import home
    from mover.boot.looking import entries, place
    from mover.cli.listing import print_deep, print_entries
    from mover.cli.places import asked

    async def look() -> None:
        async with place(home(), asked("source", address, source_option, source_secret)) as (end, side):
            _say_open(end.options.channel.value, address)
            if recursive:
                await print_deep(side, form, only_total=total)
            else:
                print_entries(await entries(side), form, only_total=total)

    run_small(look())


@click.command()
@_one_place
@click.option("--depth", type=click.IntRange(1), default=10_000, help="How many levels to show.")
def tree(
    address: str, source_option: tuple[str, ...], source_secret: tuple[str, ...], form: Format, depth: int
) -> None:
    """List a folder and all below it, as it is found."""
    from mover.boot.home import home
    from mover.boot.looking import below, place
    from mover.cli.listing import cells_of
    from mover.cli.places import asked

    async def look() -> None:
        found: list[dict[str, Cell]] = []
        async with place(home(), asked("source", address, source_option, source_secret)) as (end, side):
            _say_open(end.options.channel.value, address)
            if form == "csv":
                csv_row(("path", "kind", "size", "modified"))
            above: list[str] = []
            async for level, entry in below(side, side.folder, depth):
                above[level:] = [entry.name]
                if form == "table":
                    size = "" if entry.size is None else f"  ({size_text(entry.size)})"
                    click.echo(f"{'    ' * level}{safe(str(cells_of(entry)[0]))}{size}")
                    continue
                cells = ("/".join(above), *cells_of(entry)[1:])
                if form == "csv":
                    csv_row(cells)
                else:
                    found.append(dict(zip(("path", "kind", "size", "modified"), cells, strict=True)))
        if form == "json":
            data(found)

    run_small(look())


@click.command()
@_one_place
def about(address: str, source_option: tuple[str, ...], source_secret: tuple[str, ...], form: Format) -> None:
    """Show an account: how it is protected, room left, what it can do."""
    from mover.boot.home import home
    from mover.boot.looking import place, quota
    from mover.cli.places import asked
    from mover.core.spec import Cap

    async def look() -> dict[str, Cell]:
        async with place(home(), asked("source", address, source_option, source_secret)) as (end, side):
            room = await quota(side)
            can = [cap.name.lower().replace("_", " ") for cap in Cap if side.can(cap) and cap.name and cap.value]
            digests = sorted(end.options.spec.digests)
            return {
                "provider": end.options.spec.title,
                "channel": end.options.channel.value,
                "used": room.used,
                "free": room.free,
                "total": room.total,
                "can": ", ".join(can),
                "digests": ", ".join(digests),
            }

    found = run_small(look())
    if form == "table":
        sizes = ("used", "free", "total")
        by_name({n: size_text(v) if n in sizes and isinstance(v, int) else v for n, v in found.items()})
    else:
        table(tuple(found), [tuple(found.values())], form)


def _say_open(channel: str, address: str) -> None:
    if channel == "not encrypted":
        say(f"warning: {address} is not encrypted")
