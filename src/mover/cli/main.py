"""The command `mover`."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import sys
from typing import Final, TextIO

import click

from mover.cli.lazy import Lazy
from mover.cli.output import say
from mover.core.errors import MoverError

STOPPED: Final = 1
FAULT: Final = 70
INTERRUPTED: Final = 130

_OBJECTS: Final = 20_000
"""New objects between two searches for garbage that references itself, of which a run makes next to none."""

COMMANDS: Final = {
    "copy": ("mover.cli.copy:copy", "Copy what is new or changed; nothing is removed."),
    "check": ("mover.cli.check:check", "Compare two folders; nothing is written."),
    "ls": ("mover.cli.look:ls", "List a folder."),
    "tree": ("mover.cli.look:tree", "List a folder and all below it."),
    "about": ("mover.cli.look:about", "Show an account: room left, protection, what it can do."),
    "connection": ("mover.cli.connection:connection", "Save, list, check, rename, import and remove connections."),
    "run": ("mover.cli.run:run", "List, show, resume and report runs."),
    "up": ("mover.cli.service:up", "Run the whole service on this machine."),
    "runner": ("mover.cli.service:runner", "Enrol and start runners."),
    "user": ("mover.cli.users:user", "Accounts of the service on this machine."),
    "completion": ("mover.cli.completion:completion", "Print the script that has a shell complete `mover`."),
    "doctor": ("mover.cli.doctor:doctor", "Look whether this machine is fit for Mover."),
    "version": ("mover.cli.doctor:version", "Show the version."),
}


@click.group(cls=Lazy, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openmover", prog_name="mover", message="%(prog)s %(version)s")
def cli() -> None:
    """Move files between cloud storage providers, safely.

    A place is NAME:PATH (a saved connection), a URL such as sftp://user@host/path or s3://bucket/prefix, or a path of this machine.
    """


def main() -> None:
    """The entry point: runs a command, and turns whatever happened into a message and an exit code."""
    gc.set_threshold(_OBJECTS)
    _fill_standard_streams()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            _flush(stream)
    # Not by `sys.exit`: threads of the HTTP library that wake up while Python takes itself down abort the process (up to 3.13, PEP 788).
    os._exit(code)


def _flush(stream: TextIO | None) -> None:
    if stream is not None:  # as it is when the command was given none
        stream.flush()


def _fill_standard_streams() -> None:
    """A file that is opened later must not take the place of a closed stream: it would be written to by mistake."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def run(arguments: list[str]) -> int:
    """Run a command; its exit code. An error's advice is the last line on standard error."""
    try:
        result: object = cli.main(arguments, prog_name="mover", standalone_mode=False)
        _flush(sys.stdout)
    except BaseException as problem:  # noqa: BLE001  # the last line of defence: no traceback may show a secret
        return _code_of(problem)
    return result if isinstance(result, int) else 0


def _code_of(problem: BaseException) -> int:
    code = FAULT
    if isinstance(problem, click.ClickException):
        problem.show()
        code = problem.exit_code
    elif isinstance(problem, click.Abort | KeyboardInterrupt):
        click.echo("error: interrupted", err=True)
        code = INTERRUPTED
    elif isinstance(problem, SystemExit):
        code = problem.code if isinstance(problem.code, int) else 1
    elif isinstance(problem, MoverError):
        tell(problem)
        code = problem.exit_code
    elif isinstance(problem, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: nothing is to be said at exit
        code = STOPPED
    elif isinstance(problem, OSError) or _is_of_a_database(problem):
        told = (problem.strerror, problem.filename) if isinstance(problem, OSError) else (None, None)
        say(f"error: {told[0] or problem}: {told[1] or 'this machine'}")
        click.echo("Mend that on this machine and give the same command again; it goes on where it stopped.", err=True)
        code = STOPPED
    else:
        click.echo(f"error: a fault in Mover: {type(problem).__name__} ({_where(problem)})", err=True)
        click.echo(MoverError.advice, err=True)
    return code


def tell(problem: MoverError) -> None:
    """Print an error, its advice last."""
    say(f"error: {problem.detail}")
    click.echo(problem.advice, err=True)


def _is_of_a_database(problem: BaseException) -> bool:
    """Whether a journal cannot be read or written: a full disk, for one. Commands that open none do not load SQLite for this."""
    sqlite3 = sys.modules.get("sqlite3")
    return sqlite3 is not None and isinstance(problem, sqlite3.OperationalError)


def _where(problem: BaseException) -> str:
    """File and line, without the message: that may hold what a user typed."""
    at = problem.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None:
        return "nowhere"
    return f"{at.tb_frame.f_globals.get('__name__', '?')}:{at.tb_lineno}"
