"""`mover up` as a process of its own, and a client of its API."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Answer:
    """An answer of the API."""

    status: int
    json: Any
    headers: dict[str, str]


@dataclass
class Api:
    """A client that holds a key."""

    address: str
    authority: Path
    key: str | None = None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        said = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if self.key is not None:
            said["authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(f"{self.address}/api/v1{path}", data, said, method=method)  # noqa: S310  # https
        context = ssl.create_default_context(cafile=str(self.authority))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=30) as answer:
                return _answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as problem:
            with problem:
                return _answer(problem.code, problem.read(), dict(problem.headers))

    def must(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's content; it is well, or the test fails."""
        answer = self(method, path, body)
        assert answer.status < 400, (method, path, answer)
        return answer.json

    def rest(self, run: int, seconds: float = 120) -> Any:
        """The run, once it has come to rest."""
        until = time.monotonic() + seconds
        while (found := self.must("GET", f"/runs/{run}"))["state"] in {"running", "pausing", "stopping"}:
            assert time.monotonic() < until, found
            time.sleep(0.2)
        return found

    def every(self, path: str) -> list[Any]:
        """All rows of all pages."""
        rows: list[Any] = []
        after = ""
        while True:
            page = self.must("GET", f"{path}{'&' if '?' in path else '?'}limit=1000{after}")
            rows += page["rows"]
            if page["next"] is None:
                return rows
            after = f"&after={page['next']}"


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[str]
    folder: Path
    address: str
    told: list[str] = field(default_factory=list[str])

    @property
    def authority(self) -> Path:
        return self.folder / "tls" / "authority.pem"

    @property
    def admin(self) -> Api:
        """A client of the first account."""
        return Api(self.address, self.authority, (self.folder / "first-key").read_text().strip())

    def user(self, name: str, role: str = "manager") -> Api:
        """A client of a new account, whose key an owner cannot make: it is made on the server's own machine."""
        self.admin.must("POST", "/accounts", {"name": name, "role": role})
        made = mover("user", "key", name, "--folder", self.folder, "--name", "test")
        return Api(self.address, self.authority, made.stdout.strip().splitlines()[-1])

    def runner_pid(self) -> int:
        """The process of the runner that came with the service."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "runner start"], capture_output=True, text=True, check=True
        )
        return int(found.stdout.split()[0])


def environment() -> dict[str, str]:
    """Of every command: nothing of this machine's own set-up."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": "/nonexistent", "PYTHONUNBUFFERED": "1"}


def mover(*words: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; it must succeed."""
    command = [sys.executable, "-m", "mover", *map(str, words)]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, env=environment(), check=False
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done


@contextmanager
def up(folder: Path, *more: str, port: int = 0, local_paths: bool = True) -> Generator[Service]:
    """The service in `folder` until the block ends; it must end well when it is told to."""
    command = [
        sys.executable,
        "-m",
        "mover",
        "up",
        "--folder",
        str(folder),
        "--port",
        str(port),
        *(["--local-paths"] if local_paths else []),
        *more,
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment())
    service = Service(process, folder, "")
    assert process.stderr is not None
    try:
        for line in process.stderr:
            service.told.append(line.strip())
            if line.startswith("Mover is up: "):
                service.address = line.split(": ", 1)[1].strip()
            if line.startswith("the first API key"):
                break
        assert service.address, service.told
        yield service
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        finally:
            if process.poll() is None:
                process.kill()
        service.told += process.stderr.read().splitlines()
        process.stderr.close()


def _answer(status: int, body: bytes, headers: dict[str, str]) -> Answer:
    content = json.loads(body) if body else None
    return Answer(status, content, {name.lower(): value for name, value in headers.items()})
