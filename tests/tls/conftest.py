"""Servers in processes of their own, and clients that trust the authority of this test."""

from __future__ import annotations

import http.client
import json
import os
import selectors
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mover.boot.certificates import LocalAuthority

PROGRAM = Path(__file__).with_name("server.py")
START_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A running server of ours."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    ca: Path

    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts the test's authority and nothing else."""
        return ssl.create_default_context(cafile=self.ca)

    def connection(self, context: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", self.port, context=context or self.trusting(), timeout=20)

    def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        connection = self.connection()
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def shown(self, context: ssl.SSLContext | None = None) -> bytes:
        """The certificate (DER) that a new handshake gets."""
        connection = self.connection(context)
        try:
            connection.connect()
            return connection.sock.getpeercert(binary_form=True)
        finally:
            connection.close()

    def stop(self) -> float:
        """SIGTERM; answers the seconds until the process had ended by itself, with 0."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log.read_text()
        return time.monotonic() - began


@contextmanager
def serving(folder: Path, ca: Path, wanted: Mapping[str, Any], env: Mapping[str, str]) -> Generator[Served]:
    log = folder / f"log-{time.monotonic_ns()}"
    clean = {name: value for name, value in os.environ.items() if name != "OPENSSL_CONF"}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, PROGRAM, json.dumps(dict(wanted))],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**clean, **env},
        )
    try:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(START_SECONDS) else b""
        assert line.strip().isdigit(), log.read_text()
        yield Served(int(line), process, log, ca)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    """For `localhost` and 127.0.0.1."""
    return LocalAuthority(tmp_path / "tls", ["localhost", "127.0.0.1"])


Serve = Callable[..., Served]
"""`serve` below."""

Shared = Callable[[str], Served]
"""`shared` below."""


@pytest.fixture
def serve(tmp_path: Path, authority: LocalAuthority) -> Generator[Serve]:
    """`serve(**wanted)`: a server with a certificate of `authority`, unless `chain` and `key` are given; see tests/tls/server.py."""
    with ExitStack() as stack:

        def begin(*, env: Mapping[str, str] | None = None, **wanted: Any) -> Served:
            whole = {"folder": str(authority.folder), "names": list(authority.names), **wanted}
            return stack.enter_context(serving(tmp_path, authority.public, whole, env or {}))

        yield begin


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shared]:
    """`shared("P-256")`: a server with such a key that the tests of a module share, and leave as it is."""
    running: dict[str, Served] = {}
    with ExitStack() as stack:

        def with_key(kind: str) -> Served:
            if kind not in running:
                folder = tmp_path_factory.mktemp("shared")
                authority = LocalAuthority(folder / "tls", ["localhost", "127.0.0.1"])
                wanted = {"folder": str(authority.folder), "names": list(authority.names), "kind": kind}
                running[kind] = stack.enter_context(serving(folder, authority.public, wanted, {}))
            return running[kind]

        yield with_key


@pytest.fixture
def served(shared: Shared) -> Served:
    """The shared server with a P-256 key."""
    return shared("P-256")
