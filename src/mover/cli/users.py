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
@click.option("--database-url-file", help="File with the address of your own PostgreSQL, if the service is on that.")
def key(account: str, name: str, folder: Path | None, database_url_file: str | None) -> None:
    """Print a new API key of an account, while the service runs."""
    from mover.boot.administering import new_key
    from mover.boot.given import secret_in
    from mover.boot.service_home import service_home

    url = None if database_url_file is None else secret_in(database_url_file, "database_url").reveal()
    click.echo(asyncio.run(new_key(service_home(folder), account, name, url)).reveal())
