"""A group whose commands are imported when they are run, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Lazy(click.Group):
    """Commands by name: where each stands (`module:attribute`), and its line of help."""

    def __init__(self, *given: Any, commands_at: Mapping[str, tuple[str, str]], **named: Any) -> None:
        super().__init__(*given, **named)
        self._at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:  # click's
        return list(self._at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # click's
        if cmd_name not in self._at:
            return None
        module, attribute = self._at[cmd_name][0].split(":")
        return cast("click.Command", getattr(import_module(module), attribute))

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:  # click's, which imports all commands
        from click.shell_completion import CompletionItem

        found = [CompletionItem(n, help=text) for n, (_, text) in self._at.items() if n.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._at.items()])
