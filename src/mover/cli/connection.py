"""`mover connection`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mover.cli.adding import Add
from mover.cli.output import Format, data, format_option, say, table


@click.group()
def connection() -> None:
    """Save, list, check, import and remove connections."""


@connection.command("add", cls=Add)
def add() -> None:
    """Save a connection under a name; secrets are sealed.

    A secret is given by a file (--password-file FILE; - asks for it or reads standard input) or by the variable
    MOVER_PASSWORD_FILE, never as an argument.
    """


@connection.command("list")
@format_option
def list_connections(form: Format) -> None:
    """List saved connections. No secret is shown or opened."""
    from mover.boot.connections import Connections
    from mover.boot.home import home

    found = Connections(home()).list()
    if form == "json":
        data(
            [
                {
                    "name": c.name,
                    "connector": c.connector,
                    "channel": c.channel.value,
                    "options": dict(c.options),
                    "secrets": list(c.secrets),
                }
                for c in found
            ]
        )
        return
    rows = [(c.name, c.title, c.channel.value, _said(c.options), ", ".join(c.secrets)) for c in found]
    table(("name", "provider", "channel", "options", "secrets"), rows, form)


@connection.command()
@click.argument("name")
@click.option(
    "--deep", is_flag=True, help="Try every promise of a connector in a folder of its own, removed afterwards."
)
@click.option("--quick", is_flag=True, help="With --deep: leave out what takes minutes.")
@format_option
def check(name: str, deep: bool, quick: bool, form: Format) -> int:
    """Open a connection and look at its root."""
    from mover.cli.checking import check_connection

    return check_connection(name, form, deep=deep, quick=quick)


@connection.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--only", metavar="A,B", help="Only these remotes.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be imported.")
@click.option("--replace", is_flag=True, help="Replace connections that have the same name.")
@click.option("--allow-unencrypted", is_flag=True, help="Accept connections that are not encrypted.")
@format_option
def import_(file: Path, only: str | None, form: Format, **how: bool) -> int:
    """Import the remotes of an rclone configuration."""
    from mover.boot.connections import Connections
    from mover.boot.home import home
    from mover.boot.rclone_import import import_remotes

    chosen = None if only is None else frozenset(part.strip() for part in only.split(","))
    found = import_remotes(file, Connections(home()), chosen, **how)
    table(("remote", "result", "reason"), [(r.name, r.result, r.reason) for r in found], form)
    return 0 if any(r.result in ("imported", "would be imported") for r in found) else 4


@connection.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Forget a connection and its secrets. Nothing is touched at the provider."""
    import sys

    from mover.boot.connections import Connections
    from mover.boot.home import home
    from mover.core.errors import BadOption

    connections = Connections(home())
    if not yes:
        if not sys.stdin.isatty():
            raise BadOption("nobody is there to ask: say --yes", item="yes")
        click.confirm(f"forget {name} and its secrets?", abort=True, err=True)
    connections.remove(name)
    say(f"{name} is forgotten")


def _said(options: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())
