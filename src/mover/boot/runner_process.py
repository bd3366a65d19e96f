"""The process of a runner."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mover.boot.runner_identity import Identity
from mover.boot.runner_status import Noting, StatusFile
from mover.core.clock import SystemClock
from mover.core.errors import BadOption
from mover.net.http import HttpSettings, http
from mover.runner.confinement.confine import confine, must_hold
from mover.runner.confinement.measure import Measure
from mover.runner.confinement.privileges import SPOOL, STATE
from mover.runner.confinement.readable import lost
from mover.runner.http_plane import HttpControlPlane
from mover.runner.runner import Runner
from mover.spool.spool import Spool
from mover.vault.files import write_private

MEMORY: Final = 16
"""Segments of 1 MiB that may wait in memory for whoever sends them on."""

AUTHORITIES: Final = "authorities.pem"
"""The runner's own copy of the authorities that it trusts for its server: theirs may lie where a confined runner reads nothing."""


LOOK: Final = 5.0
"""Seconds between two looks whether the machine's resolver files are still those that may be read."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the operator wants of it. `local_paths`: see `confine`; `must_hold`: refuse to start unless everything holds."""

    local_paths: Sequence[Path] = ()
    must_hold: bool = False


def run_runner(folder: Path, quota: int, wanted: Confinement) -> Path | None:
    """Work as the runner that was enrolled in `folder`, until SIGTERM or SIGINT: files in hand are finished, the rest is given back.

    This process is confined before it makes its event loop, and stays so. It ends in the same way when a file that it needs was replaced
    by one that it may not read, and answers that file: started again, it may.

    Raises:
        UnknownThing: none was enrolled.
        NotConfined: the runner was to be confined in full, and is not.
        MoverError: the control plane refuses this runner, or the spool cannot be used.
    """
    folder = folder.absolute()
    identity = Identity.load(folder)
    trusted = _authorities(identity)
    measures = confined(folder, wanted)
    if trusted is not None:
        copy = folder / STATE / AUTHORITIES
        write_private(copy, trusted)
        identity = replace(identity, authorities=copy)
    return asyncio.run(_work(folder, quota, identity, measures))


def confined(folder: Path, wanted: Confinement) -> tuple[Measure, ...]:
    """Confine this process as a runner; see `confine`. Raises `NotConfined`."""
    measures = confine(folder, local_paths=[path.absolute() for path in wanted.local_paths])
    if wanted.must_hold:
        must_hold(measures)
    os.environ.setdefault("LOGNAME", "mover")  # asyncssh asks who we are and where we live; the list of users is closed
    os.environ.setdefault("HOME", str(folder / STATE))
    return measures


async def _work(folder: Path, quota: int, identity: Identity, measures: Sequence[Measure]) -> Path | None:
    clock = SystemClock()
    status = StatusFile.begun(folder, identity.server, identity.runner, measures, clock)
    async with (
        http(HttpSettings(ca_file=identity.authorities)) as client,
        Spool.open(folder / SPOOL, quota=quota, memory=MEMORY) as spool,
    ):
        plane = HttpControlPlane(client, identity.server, identity.runner, identity.signing_key)
        runner = Runner(Noting(plane, status), identity.box_key, spool, clock)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, runner.stop)
        watching = asyncio.create_task(stopped_when_replaced(runner.stop))
        await runner.run()
    return watching.result() if watching.done() else None


async def stopped_when_replaced(stop: Callable[[], None]) -> Path:
    """Call `stop` once the machine replaced its name server's address or its hosts, as it does when it changes networks; which file.

    Landlock knows files, not their names: a new one in the place of an old one stays closed.
    """
    while not (files := lost()):  # noqa: ASYNC110  # nobody tells of it: the kernel's own notices do not pass the confinement
        await asyncio.sleep(LOOK)
    stop()
    return files[0]


def _authorities(identity: Identity) -> bytes | None:
    if identity.authorities is None:
        return None
    try:
        return identity.authorities.read_bytes()
    except OSError as problem:
        raise BadOption(
            f"cannot read the authorities in {identity.authorities}: {problem.strerror}",
            item="ca_file",
            advice="Put the file back, or enrol the runner again with --ca-file.",
        ) from problem
