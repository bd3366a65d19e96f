"""What PostgreSQL keeps in its data folder: how it is made, who may connect, and with which settings it is served."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mover.core.errors import DatabaseFailed, DatabaseFull
from mover.store.embedded.account import Account
from mover.store.embedded.folder import Folder
from mover.store.embedded.passwords import settled
from mover.store.embedded.programs import Programs

SUPERUSER: Final = "postgres"
"""The role that only the supervisor uses; Mover's own roles are not superusers."""

ENVIRONMENT: Final[Mapping[str, str]] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
"""All that the server's programs see: nothing of Mover's own environment, which may hold secrets."""

_HBA: Final = """\
# Written by Mover at each start. The socket only, and nobody without a password.
# TYPE  DATABASE  USER  METHOD
local   all       all   scram-sha-256
"""

_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "cluster_name": "mover",
    "timezone": "UTC",
    "lc_messages": "C.UTF-8",
    # The log names no values: no statement, and no detail such as the key of a row that was there already.
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
_RISKY: Final[Mapping[str, str]] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SECONDS: Final = 300
_SAID: Final = 800


async def make(folder: Folder, found: Programs, user: Account, password: str) -> None:
    """Make `data` (initdb), with the superuser's password. It is there whole, or a next attempt begins anew.

    Raises:
        DatabaseFull: the disk is.
        DatabaseFailed: initdb ended with an error.
    """
    making = folder.making()
    user.folder(making)
    secret = making / "password"
    user.write(secret, password)
    new = making / "data"
    command = [str(found.bin / "initdb"), f"--pgdata={new}", f"--username={SUPERUSER}", f"--pwfile={secret}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
    try:
        await _run(command, user, cwd=making)
    finally:
        secret.unlink(missing_ok=True)
    new.rename(folder.data)
    settled(folder.root)
    shutil.rmtree(making)


def admit(folder: Folder, user: Account) -> None:
    """Write who may connect, in place of what stands there."""
    new = folder.data / "pg_hba.conf.new"
    user.write(new, _HBA)
    new.replace(folder.data / "pg_hba.conf")


async def set_password(folder: Folder, found: Programs, user: Account, verifier: str) -> None:
    """Give the superuser another password, by its verifier (RFC 5803). No server may run on the folder.

    Source: postgresql.org/docs/18/app-postgres.html, "Options for Single-User Mode".

    Raises:
        DatabaseFailed: PostgreSQL ended with an error.
    """
    command = [str(found.bin / "postgres"), "--single", "-D", str(folder.data), "template1"]
    await _run(command, user, cwd=folder.data, said=f"ALTER ROLE {SUPERUSER} PASSWORD '{verifier}'\n")


def command(folder: Folder, found: Programs, socket: Path, more: Mapping[str, str], *, durable: bool) -> list[str]:
    """How the server is started: settings stand in the command, so that nothing in the folder weakens them."""
    settings = {**_SETTINGS, "unix_socket_directories": str(socket), **more, **({} if durable else _RISKY)}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(found.bin / "postgres"), "-D", str(folder.data), *words]


async def _run(command: Sequence[str], user: Account, cwd: Path, said: str = "") -> None:
    process = subprocess.Popen(  # noqa: ASYNC220, S603  # asyncio's own cannot change the user under uvloop; our own words
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(ENVIRONMENT),
        cwd=cwd,
        text=True,
        start_new_session=True,
        **user.arguments,
    )
    waiting = asyncio.ensure_future(asyncio.to_thread(process.communicate, said, _SECONDS))
    name = Path(command[0]).name
    try:
        answer, _ = await asyncio.shield(waiting)
    except subprocess.TimeoutExpired:
        raise DatabaseFailed(f"{name} did not end within {_SECONDS} seconds") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.wait({waiting})
    if process.returncode:
        raise failed(f"{name} ended with {process.returncode}: {answer[-_SAID:].strip()}")


def failed(said: str) -> DatabaseFailed:
    """The error for what PostgreSQL's programs say when they end."""
    full = re.search(r"No space left on device|Check free disk space|Disk quota exceeded", said)
    return DatabaseFull(said) if full else DatabaseFailed(said)
