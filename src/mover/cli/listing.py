"""What `mover ls` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from mover.boot.looking import deep
from mover.cli.output import Cell, Format, by_name, csv_row, data, safe, size_text, table
from mover.core.model import Entry, Kind
from mover.engine.side import Side

COLUMNS = ("name", "kind", "size", "modified")


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
