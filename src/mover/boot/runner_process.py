"""The process of a runner."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final

from mover.boot.runner_identity import Identity
from mover.core.clock import SystemClock
from mover.net.http import HttpSettings, http
from mover.runner.http_plane import HttpControlPlane
from mover.runner.runner import Runner
from mover.spool.spool import Spool

MEMORY: Final = 16
"""Segments of 1 MiB that may wait in memory for whoever sends them on."""


async def run_runner(folder: Path, quota: int) -> None:
    """Work as the runner that was enrolled in `folder`, until SIGTERM or SIGINT: files in hand are finished, the rest is given back.

    Raises:
        UnknownThing: none was enrolled.
        MoverError: the control plane refuses this runner, or the spool cannot be used.
    """
    identity = Identity.load(folder)
    async with (
        http(HttpSettings(ca_file=identity.authorities)) as client,
        Spool.open(folder / "spool", quota=quota, memory=MEMORY) as spool,
    ):
        plane = HttpControlPlane(client, identity.server, identity.runner, identity.signing_key)
        runner = Runner(plane, identity.box_key, spool, SystemClock())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, runner.stop)
        await runner.run()
