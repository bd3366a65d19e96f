"""What goes to standard output: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TextIO

import click

Format = Literal["table", "json", "csv"]
KIB: Final = 1024

Cell = str | int | float | bool | None

format_option: Final = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How results are written to standard output.",
)


def safe(text: str) -> str:
    """The text with everything escaped that could steer a terminal or is no text at all (names need not be UTF-8)."""
    if text.isprintable():
        return text
    return "".join(_escaped(char) for char in text)


def data(value: object) -> None:
    """One JSON document. It is ASCII: bytes that are no UTF-8 come as lone surrogates (PEP 383), and nothing is lost."""
    click.echo(json.dumps(value, indent=2))


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], form: Format) -> None:
    """A small table in any form; JSON is a list of objects by column."""
    kept = [list(row) for row in rows]
    if form == "json":
        data([dict(zip(columns, row, strict=True)) for row in kept])
    elif form == "csv":
        for row in [list(columns), *kept]:
            csv_row(row)
    elif kept:
        texts = [[c.upper() for c in columns], *([_shown(cell) for cell in row] for row in kept)]
        widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
        for row in texts:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def csv_row(row: Sequence[Cell], to: TextIO | None = None) -> None:
    """One row of CSV. A text that a spreadsheet would take for a formula gets a `'` before it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_harmless(cell) for cell in row])
    if to is None:
        click.echo(out.getvalue(), nl=False)
    else:
        to.write(out.getvalue())


def size_text(size: float | None) -> str:
    """Bytes for people: `1.4 GiB`."""
    if size is None:
        return "?"
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    step = 0
    while size >= KIB and step < len(units) - 1:
        size, step = size / KIB, step + 1
    return f"{size:.0f} {units[step]}" if not step else f"{size:.1f} {units[step]}"


def counted(number: int, what: str) -> str:
    """`1 file`, `1,204 files`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def say(text: str, *, quiet: bool = False) -> None:
    """A word beside the data, on standard error."""
    if not quiet:
        click.echo(safe(text), err=True)


def flushed() -> None:
    """Have what was printed leave before something else is."""
    sys.stdout.flush()


def by_name(pairs: Mapping[str, Cell]) -> None:
    """Facts, one a line."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        if value is not None:
            click.echo(f"{name.ljust(width)}  {_shown(value)}")


def _escaped(char: str) -> str:
    if 0xDC80 <= ord(char) <= 0xDCFF:  # noqa: PLR2004  # a byte that was no UTF-8 (PEP 383)
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode() if unicodedata.category(char)[0] == "C" else char


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:,}" if isinstance(cell, int) else safe(str(cell))


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str):
        cell = safe(cell)
        if cell[:1] in ("=", "+", "-", "@"):
            return f"'{cell}"
    return cell
