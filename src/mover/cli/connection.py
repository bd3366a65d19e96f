"""`mover connection`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mover.cli.adding import Add
from mover.cli.completing import connections
from mover.cli.output import Format, counted, data, format_option, say, table
from mover.cli.wire import wire_option

if TYPE_CHECKING:
    from mover.boot.connections import Listed


@click.group()
def connection() -> None:
    """Save, list, check, rename, import and remove connections."""


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
                    "connector": c.connector or None,
                    "channel": c.channel and c.channel.value,
                    "options": dict(c.options),
                    "secrets": list(c.secrets),
                    "problem": c.problem,
                }
                for c in found
            ]
        )
        return
    rows = [
        (c.name, c.title or "damaged", c.channel and c.channel.value, _said(c), ", ".join(c.secrets)) for c in found
    ]
    table(("name", "provider", "channel", "options", "secrets"), rows, form)
    for c in found:
        if c.problem is not None:
            say(f"{c.name} cannot be used. Mend it, or remove it and add it again: mover connection remove {c.name}")


@connection.command()
@click.argument("name", shell_complete=connections)
@click.option(
    "--deep",
    is_flag=True,
    help="Try every promise of a connector: it writes into a folder of its own in the root, and removes it afterwards.",
)
@click.option("--quick", is_flag=True, help="With --deep: leave out what takes minutes.")
@wire_option
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
@click.argument("old", shell_complete=connections)
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give a connection another name. Its runs go on under the new one."""
    from mover.boot.home import home
    from mover.boot.renaming import rename as renamed

    runs = renamed(home(), old, new)
    say(f"{old} is {new} now" + (f", in {counted(runs, 'run')} too" if runs else ""))


@connection.command()
@click.argument("name", shell_complete=connections)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Forget a connection and its secrets. Nothing is touched at the provider."""
    import sys

    from mover.boot.connections import Connections
    from mover.boot.home import home
    from mover.core.errors import BadOption

    if not yes:
        if not sys.stdin.isatty():
            raise BadOption("nobody is there to ask", item="yes", advice="Give the command again with --yes.")
        click.confirm(f"forget {name} and its secrets?", abort=True, err=True)
    Connections(home()).remove(name)
    say(f"{name} is forgotten")


def _said(listed: Listed) -> str:
    return listed.problem or ", ".join(f"{name}={value}" for name, value in listed.options.items())
