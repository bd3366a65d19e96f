"""`mover up`, and runners on this machine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from mover.cli.output import Cell, Format, by_name, data, format_option, say, table


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


STOPPED: Final = 1
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
@click.option("--require-hardening", is_flag=True, help="Refuse to start unless all that confines a runner holds.")
@click.option(
    "--local-path",
    "local",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of this machine that connections may name, if the service lets them; again for more.",
)
@click.option("--local-paths", "everything", is_flag=True, help="Let connections name any: files are not confined.")
def start(folder: Path | None, require_hardening: bool, local: tuple[Path, ...], everything: bool) -> int:
    """Work as the enrolled runner, until SIGTERM or Ctrl-C.

    It gives up what it does not need before it begins: `mover runner status` says what holds.
    """
    from mover.boot.home import home
    from mover.boot.runner_process import Confinement, run_runner
    from mover.runner.confinement.confine import EVERYTHING

    where = home()
    paths = (*local, EVERYTHING) if everything else local
    replaced = run_runner(folder or where.folder / "runner", where.quota, Confinement(paths, require_hardening))
    if replaced is None:
        return 0
    say(f"{replaced} was replaced, and a confined runner may not read the new one: start it again")
    return STOPPED


@runner.command()
@_FOLDER
@format_option
def status(folder: Path | None, form: Format) -> int:
    """Show what a runner of this machine told last, and what confines it. Exit code 1 if it does not run."""
    from mover.boot.home import home
    from mover.boot.runner_status import status_of

    found = status_of(folder or home().folder / "runner")
    told = found.status
    facts: dict[str, Cell] = {
        "runner": told.runner,
        "server": told.server,
        "running": found.running,
        "process": str(told.process),
        "started": _moment(told.started),
        "last contact": None if told.last_contact is None else _moment(told.last_contact),
    }
    measures = [(m.name, m.holds, m.why) for m in told.measures]
    if form == "json":
        data({**facts, "measures": [dict(zip(("measure", "holds", "why"), m, strict=True)) for m in measures]})
    else:
        if form == "table":
            by_name(facts)
            click.echo()
        table(("measure", "holds", "why"), measures, form)
    return 0 if found.running else 1


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
