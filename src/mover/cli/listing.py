"""What `mover ls`, `mover tree` and `mover about` show."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import click

from mover.boot.home import home
from mover.boot.looking import below, deep, place, quota
from mover.cli.output import Cell, Format, by_name, counted, csv_row, data, safe, say, size_text, table
from mover.cli.places import asked
from mover.core.model import Entry, Kind
from mover.core.spec import Cap, Channel
from mover.engine.side import Side

COLUMNS = ("name", "kind", "size", "modified")


@asynccontextmanager
async def looked_at(said: Mapping[str, Any]) -> AsyncGenerator[Side]:
    """The place that a command names, open. Says what stands there unencrypted, and what does not open with the key that was given."""
    async with place(home(), asked("source", said)) as (end, side):
        if end.options.channel is Channel.NONE:
            say(f"warning: {end.address} is not encrypted")
        yield side
        if end.layer is not None:
            _say_foreign(side)


async def facts_of(said: Mapping[str, Any]) -> dict[str, Cell]:
    """What is known of an account, by name; sizes in bytes."""
    async with place(home(), asked("source", said)) as (end, side):
        room = await quota(side)
        can = [cap.name.lower().replace("_", " ") for cap in Cap if side.can(cap) and cap.name and cap.value]
        return {
            "provider": end.options.spec.title,
            "channel": end.options.channel.value,
            "used": room.used,
            "free": room.free,
            "total": room.total,
            "can": ", ".join(can),
            "digests": ", ".join(sorted(end.options.spec.digests)),
        }


def cells_of(entry: Entry) -> tuple[str, str, int | None, str | None]:
    """Name (a folder's ends in a slash), kind, bytes, and when it was changed or, where only that is known, stored."""
    slash = "/" if entry.kind is Kind.FOLDER else ""
    at = entry.modified or entry.stored
    return entry.name + slash, entry.kind.value, entry.size, None if at is None else at.isoformat()


def print_entries(entries: Sequence[Entry], form: Format, *, only_total: bool) -> None:
    """One folder."""
    rows = [cells_of(entry) for entry in entries]
    if only_total:
        _print_total(sum(e.kind is not Kind.FOLDER for e in entries), sum(e.size or 0 for e in entries), form)
    elif form == "table":
        for name, _, size, modified in rows:
            click.echo(_line(name, size, modified))
    else:
        table(COLUMNS, rows, form)


async def print_deep(side: Side, form: Format, *, only_total: bool) -> None:
    """All files below a folder, as they are found; nothing is gathered, so there may be millions."""
    files = size = 0
    first = True
    if form == "csv" and not only_total:
        csv_row(COLUMNS)
    async for batch in deep(side):
        rows = [i for i, path in enumerate(batch.paths) if not path.endswith("/")]
        files += len(rows)
        size += sum(batch.sizes)
        for i in () if only_total else rows:
            modified = datetime.fromtimestamp(batch.stored[i], UTC).isoformat() if batch.stored[i] else None
            if form == "table":
                click.echo(_line(batch.paths[i], batch.sizes[i], modified))
            elif form == "csv":
                csv_row((batch.paths[i], "file", batch.sizes[i], modified))
            else:
                cells: tuple[Cell, ...] = (batch.paths[i], "file", batch.sizes[i], modified)
                sys.stdout.write(("[\n  " if first else ",\n  ") + json.dumps(dict(zip(COLUMNS, cells, strict=True))))
                first = False
    if only_total:
        _print_total(files, size, form)
    elif form == "json":
        sys.stdout.write("[]\n" if first else "\n]\n")


async def print_tree(side: Side, form: Format, depth: int) -> None:
    """A folder and all below it, depth first by name, as it is found; JSON is written at the end."""
    columns = ("path", *COLUMNS[1:])
    found: list[dict[str, Cell]] = []
    if form == "csv":
        csv_row(columns)
    above: list[str] = []
    async for level, entry in below(side, side.folder, depth):
        above[level:] = [entry.name]
        name, *rest = cells_of(entry)
        if form == "table":
            size = "" if entry.size is None else f"  ({size_text(entry.size)})"
            click.echo(f"{'    ' * level}{safe(str(name))}{size}")
        elif form == "csv":
            csv_row(("/".join(above), *rest))
        else:
            found.append(dict(zip(columns, ("/".join(above), *rest), strict=True)))
    if form == "json":
        data(found)


def _say_foreign(side: Side) -> None:
    from mover.engine.layer import Encrypted  # its ciphers are there already

    foreign = side.connector.foreign if isinstance(side.connector, Encrypted) else 0
    if foreign:
        say(f"warning: {counted(foreign, 'item')} shown as stored: not encrypted with this key, or not at all")


def _print_total(files: int, size: int, form: Format) -> None:
    if form == "json":
        data({"files": files, "bytes": size})
    elif form == "csv":
        table(("files", "bytes"), [(files, size)], form)
    else:
        by_name({"files": files, "bytes": size, "size": size_text(size)})


def _line(name: str, size: int | None, modified: str | None) -> str:
    number = "-" if size is None else f"{size:,}"
    return f"{number:>15}  {modified or '-':<19.19}  {safe(name)}"
