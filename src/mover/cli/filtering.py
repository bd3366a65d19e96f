"""rclone's filter options (docs/filters.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mover.engine.filter_options import FilterOptions

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--include", multiple=True, metavar="PATTERN", help="Take what matches, and nothing else."),
    click.option("--include-from", multiple=True, metavar="FILE", help="Patterns to include, one a line."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out what matches."),
    click.option("--exclude-from", multiple=True, metavar="FILE", help="Patterns to exclude, one a line."),
    click.option(
        "--filter", multiple=True, metavar="RULE", help="'+ pattern' or '- pattern'; the first that fits decides."
    ),
    click.option("--filter-from", multiple=True, metavar="FILE", help="Rules, one a line."),
    click.option("--min-size", metavar="SIZE", help="Leave out smaller files (100K, 1.5G; K without a letter)."),
    click.option("--max-size", metavar="SIZE", help="Leave out larger files."),
    click.option("--min-age", metavar="AGE", help="Leave out files changed since (1h30m, 7d, 2026-01-31)."),
    click.option("--max-age", metavar="AGE", help="Leave out files not changed since."),
    click.option("--ignore-case", is_flag=True, help="Patterns take a and A for one."),
)

NAMES = (
    "include",
    "include_from",
    "exclude",
    "exclude_from",
    "filter",
    "filter_from",
    "min_size",
    "max_size",
    "min_age",
    "max_age",
    "ignore_case",
)


def filter_options(command: F) -> F:
    """Add them all."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filters_of(said: dict[str, Any]) -> FilterOptions:
    """Take the filter's options out of a command's arguments; files are read now. Raises `BadOption`."""
    from mover.engine.filter_options import FilterOptions

    mine = {name: said.pop(name) for name in NAMES}
    for name in ("include_from", "exclude_from", "filter_from"):
        mine[name] = _texts(mine[name], name)
    return FilterOptions(**mine)


def _texts(files: Sequence[str], name: str) -> tuple[str, ...]:
    from mover.boot.given import text_in

    return tuple(text_in(str(Path(file).expanduser()), f"--{name.replace('_', '-')}") for file in files)
