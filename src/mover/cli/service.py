"""`mover up`, and runners on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mover.cli.output import say


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Where the service keeps everything.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", default=8443, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--name", "names", multiple=True, help="Host name or address by which users reach it; again for more.")
@click.option(
    "--certificate", type=click.Path(path_type=Path), help="PEM file; without it a local authority makes one."
)
@click.option("--key", type=click.Path(path_type=Path), help="PEM file of the certificate's key.")
@click.option("--database-url-file", help="File with the address of your own PostgreSQL, as it holds a password.")
@click.option("--local-paths", is_flag=True, help="Let connections name files and folders of the runners' machines.")
@click.option("--no-runner", is_flag=True, help="Start no runner beside the server.")
def up(
    folder: Path | None,
    host: str,
    port: int,
    names: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    database_url_file: str | None,
    local_paths: bool,
    no_runner: bool,
) -> None:
    """Run the whole service on this machine, until SIGTERM or Ctrl-C."""
    from mover.boot.openssl import begin_again

    begin_again()
    from mover.boot.given import secret_in
    from mover.boot.service_home import service_home
    from mover.boot.up import Standing, Up
    from mover.boot.up import up as run

    def ready(standing: Standing) -> None:
        say(f"Mover is up: {standing.address}")
        if standing.authority is not None:
            say(f"trust its authority: {standing.authority} (SHA-256 {standing.fingerprint})")
        say(f"the first API key: {standing.first_key}")

    url = None if database_url_file is None else secret_in(database_url_file, "database_url").reveal()
    how = Up(
        service_home(folder),
        host,
        port,
        names or ("localhost", "127.0.0.1"),
        certificate,
        key,
        url,
        local_paths,
        not no_runner,
    )
    asyncio.run(run(how, ready))


@click.group()
def runner() -> None:
    """Runners move the files: enrol one, start it."""


_FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), help="Where the runner keeps its keys and temporary files."
)


@runner.command()
@click.option("--server", required=True, help="The service's address, https://host:port.")
@click.option("--token-file", default="-", show_default=True, help="File with the one-time token; - is standard input.")
@click.option("--name", help="What to call the runner; this machine's name if not given.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="PEM file of the server's authority.")
@_FOLDER
def enroll(server: str, token_file: str, name: str | None, ca_file: Path | None, folder: Path | None) -> None:
    """Join a service by a one-time token."""
    import socket

    from mover.boot.given import secret_in
    from mover.boot.home import home
    from mover.boot.runner_identity import enrolled

    token = secret_in(token_file, "token")
    where = folder or home().made().folder / "runner"
    authorities = None if ca_file is None else ca_file.absolute()
    found = asyncio.run(enrolled(where, server, token, name or socket.gethostname(), authorities))
    say(f"enrolled as {found.runner}; start it: mover runner start")


@runner.command()
@_FOLDER
def start(folder: Path | None) -> None:
    """Work as the enrolled runner, until SIGTERM or Ctrl-C."""
    from mover.boot.home import home
    from mover.boot.runner_process import run_runner

    where = home()
    asyncio.run(run_runner(folder or where.folder / "runner", where.quota))
