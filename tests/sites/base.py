"""What a site is: a real server that a test started, and how a connector (and rclone) reaches it.

A site is made by a function registered with `@site`. It starts the server on loopback, on a free port, below a folder of its own, waits
until it answers, yields a `Site`, and ends the processes it started. A server that is not installed raises `Missing` with the name of
what to install; the suite skips such a site, or fails if it is named in MOVER_MUST_RUN.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import trustme

from mover.core.options import Value

START_SECONDS: Final = 60.0
"""How long a server may take until it answers."""

EXTRACTED: Final = Path(os.environ.get("MOVER_SERVERS", Path(__file__).parents[2] / ".servers"))
"""Where `make setup` unpacks servers that Debian will not install side by side."""


class Missing(Exception):  # reads as a sentence where it is caught
    """A server that this machine does not have; the text says what to install."""


@dataclass(frozen=True)
class Site:
    """A running server: which connector speaks to it, with which options, and the same place for rclone.

    `rclone` is a section of an rclone configuration (`type = ...`) that reaches the same files, below `rclone_path`; `None` where rclone
    cannot. `folder` is the server's own view of the root on this disk, where it has one.
    """

    connector: str
    options: Mapping[str, Value]
    rclone: Mapping[str, str] | None = None
    rclone_path: str = ""
    folder: Path | None = None
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


Maker = Callable[[Path], AbstractContextManager[Site]]
SITES: Final[dict[str, Maker]] = {}
"""Every site by name (`openssh`, `vsftpd`, ...)."""


def site(make: Callable[[Path], Generator[Site]]) -> Maker:
    """Register a generator that starts a server below the folder it is given, yields it, and ends it."""
    maker = contextmanager(make)
    SITES[make.__name__] = maker
    return maker


def program(*names: str, package: str) -> str:
    """The path of the first program that is there, installed or unpacked.

    Raises:
        Missing: none of them is there.
    """
    places = [
        str(Path(sys.executable).parent),
        *os.environ.get("PATH", "").split(os.pathsep),
        "/usr/sbin",
        "/usr/local/sbin",
    ]
    places += [str(p) for p in (EXTRACTED / "usr/sbin", EXTRACTED / "usr/bin")]
    for name in names:
        if found := shutil.which(name, path=os.pathsep.join(places)):
            return found
    raise Missing(f"{' or '.join(names)} is not installed: install {package}")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    port: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the foreground until the block ends; it is ready once `port` accepts a connection.

    Raises:
        AssertionError: the server ended, or did not listen in time; the text holds the end of its log.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(c) for c in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            user=user,
            start_new_session=True,
            preexec_fn=_end_with_us,  # noqa: PLW1509  # only a system call; the tests start servers from one thread
        )
    try:
        _await_port(process, port, log)
        yield process
    finally:
        _end(process)


def _end_with_us() -> None:
    """Have the kernel end the server when the test run dies without cleaning up (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"{process.args!r} ended with {process.returncode}: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"{process.args!r} did not listen on {port}: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and whatever it forked; it was started as the leader of a session of its own."""
    for how, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


@dataclass(frozen=True)
class Certificates:
    """A certificate authority made for this test run, and a certificate of `localhost` and 127.0.0.1. All are PEM files."""

    ca: Path
    chain: Path
    key: Path
    both: Path


@cache
def certificates(folder: Path) -> Certificates:
    """Make them below `folder`, readable by servers that run as another user."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    made = Certificates(*(folder / name for name in ("ca.pem", "chain.pem", "key.pem", "both.pem")))
    authority.cert_pem.write_to_path(made.ca)
    for pem in leaf.cert_chain_pems:
        pem.write_to_path(made.chain, append=made.chain.exists())
    leaf.private_key_pem.write_to_path(made.key)
    leaf.private_key_and_cert_chain_pem.write_to_path(made.both)
    return made
