"""`mover user`: accounts, by whoever has the server's own files in hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click


@click.group()
def user() -> None:
    """Accounts of the service on this machine."""


@user.command()
@click.argument("account")
@click.option("--name", default="made on the server", show_default=True, help="What to call the key.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the service keeps everything.")
def key(account: str, name: str, folder: Path | None) -> None:
    """Print a new API key of an account. The service may be running."""
    from mover.boot.administering import new_key
    from mover.boot.service_home import service_home

    click.echo(asyncio.run(new_key(service_home(folder), account, name)).reveal())
