"""Processes for the tests of a runner's confinement, and what lies around them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.postgres import public_folder

ROOT: Final = os.geteuid() == 0
NOBODY: Final = 65534
HERE: Final = Path(__file__).parent
MEMORY_HOLDER: Final = """
import ctypes, os, socket, sys
kept = ctypes.create_string_buffer(b"it is a secret!!")
listening = socket.socket(socket.AF_UNIX)
listening.bind("\\0" + sys.argv[1])
listening.listen()
print(ctypes.addressof(kept), flush=True)
sys.stdin.read()
"""


def as_plain() -> dict[str, Any]:
    """Arguments of `Popen` for the user as whom a runner works that root started; none where the tests are a plain user's."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if ROOT else {}


def environment(**more: str) -> dict[str, str]:
    """Of a child: nothing that names its user."""
    top = HERE.parents[1]
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{top}:{top / 'src'}", **more}


def told_by(what: str, how: str, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """What `trying.py` says. Root's child begins in groups that root's runner must leave."""
    command = [sys.executable, str(HERE / "trying.py"), what, how, str(folder), json.dumps(facts)]
    groups: dict[str, Any] = {"extra_groups": [0, 4, 6]} if ROOT else {}
    given = {"env": environment(), "start_new_session": True, **groups}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def surroundings() -> Generator[tuple[Path, dict[str, Any]]]:
    """A runner's folder, and what is around it: files of others, a process of the same user, a server that listens."""
    with public_folder() as top, ExitStack() as stack:
        folder, others = top / "runner", top / "others"
        folder.mkdir(mode=0o700)
        others.mkdir()
        others.chmod(0o777)
        (folder / "runner.json").write_text("the runner's key")
        (folder / "runner.json").chmod(0o600)
        for name in ("public", "writable"):
            (others / name).write_text("something")
            (others / name).chmod(0o666)
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = f"mover-test-{os.getpid()}-{top.name}"
        neighbour = stack.enter_context(process([sys.executable, "-c", MEMORY_HOLDER, abstract]))
        assert neighbour.stdout is not None
        yield (
            folder,
            {
                "public": str(others / "public"),
                "writable": str(others / "writable"),
                "open": str(others),
                "neighbour": neighbour.pid,
                "address": int(neighbour.stdout.readline()),
                "abstract": abstract,
                "port": server.getsockname()[1],
            },
        )


@contextmanager
def process(command: list[str], **more: Any) -> Generator[subprocess.Popen[str]]:
    """A process of the plain user, which ends with the block at the latest."""
    given: dict[str, Any] = {"env": environment(), "cwd": "/", **as_plain(), **more}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes, **given) as begun:
        try:
            yield begun
        finally:
            begun.kill()
