"""The processes that chaos kills: servers of the API, runners and PostgreSQL. Each is started again after it was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.service.up import environment

from mover.store.embedded import EmbeddedPostgres


@dataclass
class Member:
    """A process of ours, by its command."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0
    revived: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.DEVNULL, stderr=log, stdin=subprocess.DEVNULL, env=environment()
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def revive(self) -> None:
        """Start it again if it ended by itself, as whoever supervises it would."""
        if self.process is None or self.process.poll() is not None:
            self.revived += 1
            self.start()

    def end(self) -> None:
        """Ask it to end, and wait."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def server(folder: Path, url_file: Path, port: int, name: str) -> Member:
    """A process of the control plane, on the database that the file names."""
    words = ["up", "--folder", folder, "--port", port, "--database-url-file", url_file, "--local-paths", "--no-runner"]
    return Member(name, command(*words), folder.parent / f"{name}.log")


def runner(folder: Path, name: str) -> Member:
    """An enrolled runner."""
    words = ["runner", "start", "--folder", folder, "--local-path", folder.parent / "trusted"]
    return Member(name, command(*words), folder.parent / f"{name}.log")


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "mover", *map(str, words)]


@dataclass
class Postgres:
    """The database, kept running by its supervisor in a thread of its own."""

    folder: Path
    kills: int = 0
    _server: EmbeddedPostgres | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> None:
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = EmbeddedPostgres(self.folder, durable=True)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(60)

    @property
    def url(self) -> str:
        assert self._server is not None
        return self._server.url.render_as_string(hide_password=False)

    def kill(self) -> None:
        assert self._server is not None
        if (pid := self._server.pid) is not None:
            os.kill(pid, signal.SIGKILL)
            self.kills += 1

    def end(self) -> None:
        assert self._server is not None
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
