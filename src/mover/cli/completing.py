"""What a shell is offered where a command names a connection, a place or a run. It is read from files only, and never fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem


def connections(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of saved connections."""
    from mover.boot.completing import connection_names
    from mover.boot.home import home

    return [name for name in connection_names(home()) if name.startswith(begun)]


def addresses(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Connections as addresses (`photos:`); where none fits, paths of this machine. Behind the colon nothing: nobody is asked."""
    from click.shell_completion import CompletionItem

    if ":" in begun:
        return []
    found = [CompletionItem(f"{name}:") for name in connections(context, parameter, begun)]
    return found or [CompletionItem(begun, type="file")]


def runs(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Numbers of runs, the latest first."""
    from mover.boot.completing import run_numbers
    from mover.boot.home import home

    return [number for number in run_numbers(home()) if number.startswith(begun)]
