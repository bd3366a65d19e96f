"""`mover up`: the whole service on one machine. The server in this process, its runner in another, which is started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from mover.boot.apps import app_of
from mover.boot.certificates import LocalAuthority, from_files
from mover.boot.control import Control, control
from mover.boot.runner_identity import Identity, enrolled
from mover.boot.service_home import ServiceHome
from mover.boot.serving import serve
from mover.core.errors import BadOption, NameTaken, UnknownThing
from mover.net.server_tls import Certificates
from mover.service import accounts, keys, runners
from mover.service.accounts import administrator
from mover.service.actor import Permission
from mover.vault.files import write_private

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

FIRST: Final = "admin"
_AGAIN: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds before the runner is started again, after each time that it ended quickly."""

_SETTLED: Final = 60.0


@dataclass(frozen=True, slots=True)
class Up:
    """How the service is to run. `names` are the host names and addresses by which users reach it."""

    home: ServiceHome
    host: str = "127.0.0.1"
    port: int = 8443
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    certificate: Path | None = None
    key: Path | None = None
    database_url: str | None = None
    local_paths: bool = False
    runner: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """Told when the service can be used."""

    address: str
    authority: Path | None
    fingerprint: str | None
    first_key: Path


async def up(how: Up, ready: Callable[[Standing], None]) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        MoverError: it cannot start.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    authority, certificates = _certificates(how)
    async with control(how.home, how.database_url, local_paths=how.local_paths) as plane:
        await _first_account(how, plane)
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(certificates.watch())
            serving = group.create_task(
                serve(
                    cast("ASGI3Application", app_of(plane, how.names)),
                    host=how.host,
                    port=how.port,
                    certificates=certificates,
                    stopping=stopping,
                    listening=port.set_result,
                )
            )
            beside = group.create_task(_beside(how, plane, port, authority, stopping, ready))
            await serving
            watching.cancel()
            await beside


async def _beside(
    how: Up,
    plane: Control,
    port: asyncio.Future[int],
    authority: LocalAuthority | None,
    stopping: asyncio.Event,
    ready: Callable[[Standing], None],
) -> None:
    address = f"https://{how.names[0]}:{await port}"
    runner: _RunnerProcess | None = None
    if how.runner:
        await _enrol(how, plane, address, authority)
        runner = _RunnerProcess(how.home.runner, local_paths=how.local_paths)
    ready(
        Standing(
            address,
            None if authority is None else authority.public,
            None if authority is None else authority.fingerprint(),
            how.home.first_key,
        )
    )
    if runner is None:
        await stopping.wait()
    else:
        await runner.keep(stopping)


def _certificates(how: Up) -> tuple[LocalAuthority | None, Certificates]:
    if (how.certificate is None) != (how.key is None):
        raise BadOption("a certificate needs its key, and a key its certificate", item="certificate")
    if how.certificate is not None and how.key is not None:
        return None, from_files(how.certificate, how.key)
    authority = LocalAuthority(how.home.made().tls, how.names)
    return authority, authority.certificates()


async def _first_account(how: Up, plane: Control) -> None:
    """At the very first start: an owner, and a key that only those who may read the folder get."""
    try:
        await accounts.acting_for(plane.desk, FIRST)
    except UnknownThing:
        with contextlib.suppress(NameTaken):  # another server on the same database was quicker
            await accounts.add(plane.desk, administrator(), FIRST, "owner")
    if not how.home.first_key.exists():
        actor = await accounts.acting_for(plane.desk, FIRST)
        made = await keys.add(plane.desk, actor, "made by mover up", list(Permission))
        write_private(how.home.first_key, f"{made.secret.reveal()}\n".encode())


async def _enrol(how: Up, plane: Control, address: str, authority: LocalAuthority | None) -> None:
    """The runner that comes with the service joins at the first start, and again if the address is another."""
    with contextlib.suppress(UnknownThing):
        if Identity.load(how.home.runner).server == address:
            return
    actor = await accounts.acting_for(plane.desk, FIRST)
    token, _ = await runners.make_token(plane.desk, actor)
    trusted = None if authority is None else authority.public
    await enrolled(how.home.runner, address, token, "beside the server", trusted)


class _RunnerProcess:
    """A runner in a process of its own: what it does with files cannot hold up the server, and its end cannot end it."""

    def __init__(self, folder: Path, *, local_paths: bool) -> None:
        self._command = [sys.executable, "-m", "mover", "runner", "start", "--folder", str(folder)]
        if local_paths:
            self._command.append("--local-paths")

    async def keep(self, stopping: asyncio.Event) -> None:
        """Have it running until `stopping` is set; then let it finish what is in hand."""
        ends = 0
        waiting = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            began = asyncio.get_running_loop().time()
            process = await asyncio.create_subprocess_exec(*self._command, stdin=asyncio.subprocess.DEVNULL)
            ending = asyncio.create_task(process.wait())
            try:
                await asyncio.wait([ending, waiting], return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not ending.done():
                    process.terminate()
                    await ending
            ends = 0 if asyncio.get_running_loop().time() - began > _SETTLED else ends + 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN[min(ends, len(_AGAIN)) - 1] if ends else 0):
                    await asyncio.shield(waiting)
        waiting.cancel()
