"""The server's process: started by us, started again when it dies, ended with us. Its log stays small."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from mover.store.embedded.account import Account
from mover.store.embedded.cluster import ENVIRONMENT

LOG: Final = logging.getLogger("mover.database")

LOG_BYTES: Final = 4 << 20
"""From this size on the log begins anew; the one before it is kept beside it (`postgres.log.1`)."""

_POLL_SECONDS: Final = 0.1
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
_STEADY_SECONDS: Final = 30.0
_LOOK_AT_LOG: Final = 100  # polls
_PATIENCE: Final = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 30.0), (signal.SIGKILL, 10.0))
_TOLD: Final = 1500


class Process:
    """Keeps a server running from `start` to `stop`.

    `before` is awaited before each start. `ends` counts how often the server ended although it should run. After such an end it is
    started again: at once, then after pauses that double up to 10 seconds, for as long as it takes (a full disk, for one, is
    made room on some day).
    """

    def __init__(
        self, command: Sequence[str], user: Account, folder: Path, log: Path, before: Callable[[], Awaitable[None]]
    ) -> None:
        self._command = command
        self._user = user
        self._folder = folder
        self._log = log
        self._before = before
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.ends = 0

    def start(self) -> None:
        """Begin to keep it running; it may not answer yet."""
        self._keeper = asyncio.create_task(self._keep(), name="keeps PostgreSQL running")

    async def stop(self) -> None:
        """End it: fast shutdown, which rolls back what is under way and writes everything to the disk; harder means if that hangs."""
        self._stopping = True
        # Before anything is awaited: whoever is cancelled here has at least told the server.
        self._send(_PATIENCE[0][0])
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        for how, seconds in _PATIENCE:
            self._send(how)
            if await self._ended(seconds):
                return

    @property
    def pid(self) -> int | None:
        """The number of the running process; `None` between two."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def last_words(self) -> str:
        """The end of the log."""
        try:
            with self._log.open("rb") as opened:
                opened.seek(max(0, os.fstat(opened.fileno()).st_size - _TOLD))
                return opened.read(_TOLD).decode("utf-8", "replace").strip()
        except OSError:
            return ""

    async def _keep(self) -> None:
        pause = 0.0
        clock = asyncio.get_running_loop().time
        while not self._stopping:
            began = clock()
            try:
                await self._before()
                self._spawn()
                await self._ended(None)
                why = f"ended with {self._process.returncode if self._process else None}"
            except Exception as problem:  # noqa: BLE001  # whatever it is, giving up would be worse: it is told, and tried again
                why = f"could not be started: {problem}"
            self.ends += 1
            pause = 0.0 if clock() - began > _STEADY_SECONDS else min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            LOG.warning("PostgreSQL %s; it is started again in %.1f s", why, pause)
            await asyncio.sleep(pause)

    def _spawn(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        log = os.open(self._log, flags, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own words
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(ENVIRONMENT),
                cwd=self._folder,
                start_new_session=True,
                **self._user.arguments,
            )
        finally:
            os.close(log)

    async def _ended(self, seconds: float | None) -> bool:
        """Whether it ended in time. Meanwhile the log is kept small."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds if seconds is not None else None
        polls = 0
        while self._process is not None and self._process.poll() is None:
            if until is not None and clock() > until:
                return False
            if polls % _LOOK_AT_LOG == 0:
                _bound(self._log)
            polls += 1
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def _send(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)


def _bound(log: Path) -> None:
    """Copied and cut, not renamed: the server keeps its descriptor, and appends."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copy(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
