"""The real `mover` command, in a process of its own, with a home of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 120.0
UNFINISHED = re.compile(r"\.mover-[0-9a-f-]+\.part")
MOVER = Path(sys.executable).parent / "mover"


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def advice(self) -> str:
        return self.err.strip().splitlines()[-1]


@dataclass
class Command:
    """`mover` with a home below `folder`."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    begun: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def __call__(self, *arguments: object, stdin: str = "", cwd: Path | None = None, **environment: str) -> Done:
        done = subprocess.run(
            [str(MOVER), *map(str, arguments)],
            input=stdin.encode(),
            capture_output=True,
            timeout=PATIENCE,
            env=self._environment(environment),
            cwd=cwd,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def begin(self, *arguments: object, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [str(MOVER), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment({}),
            cwd=cwd,
        )
        self.begun.append(process)
        return process

    def close(self) -> None:
        """End what still runs."""
        for process in self.begun:
            if process.returncode is None:
                process.kill()
                process.communicate()

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MOVER_", "AWS_"))}
        return {**kept, "MOVER_HOME": str(self.home), **self.environment, **more}


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until something is so, while the process lives."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def ended(process: subprocess.Popen[bytes], *signals: signal.Signals) -> Done:
    """Send signals, and wait for the end."""
    for number in signals:
        process.send_signal(number)
        time.sleep(0.3)
    out, err = process.communicate(timeout=PATIENCE)
    return Done(process.returncode, out.decode(), err.decode())


def filled(folder: Path, files: int = 40, size: int = 50_000) -> dict[str, bytes]:
    """A folder with files of random bytes; what is in it by path."""
    made: dict[str, bytes] = {}
    for number in range(files):
        path = f"d{number % 4}/f{number:03}"
        made[path] = os.urandom(size)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(made[path])
    return made


def found(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but for those that a killed process had not yet given their names."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and not UNFINISHED.fullmatch(p.name)]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}
