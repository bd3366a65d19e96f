"""A child that tries what a runner must not do: `python trying.py WHAT free|confined FOLDER FACTS`. It prints the error number of each.

`calls` is every refused system call with arguments that do nothing, as root with all rights where the tests have them. `deeds` are things
that an unprivileged program can do on any machine; FACTS is JSON that says to whom.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mover.runner.confinement import landlock, seccomp
from mover.runner.confinement.calls import machine
from mover.runner.confinement.confine import confine
from mover.runner.confinement.filter import REFUSED, UNKNOWN
from mover.runner.confinement.process import no_new_rights
from mover.runner.confinement.seccomp import filtered

LIBRARY = ctypes.CDLL(None, use_errno=True)
TWINS = ("fork", "vfork")
"""They take no arguments that could keep them from doing it."""

SEIZE = 0x4206
"""PTRACE_SEIZE: without a stop."""

NOBODY = 65534


def raw(number: int, *arguments: int) -> int:
    """The error number of a system call; 0 if it worked."""
    ctypes.set_errno(0)
    done = LIBRARY.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in arguments))
    return ctypes.get_errno() if done < 0 else 0


def calls(*, free: bool) -> dict[str, int]:
    """Every call of the list, with nonsense."""
    found = machine()
    assert found is not None
    names = [n for n in (*REFUSED, *UNKNOWN) if n in found.numbers and not (free and n in TWINS)]
    if not free:
        no_new_rights()
        filtered()
    told = {name: raw(found.numbers[name], *[-1] * 6) for name in names}
    if found.name == "x86_64":
        told["x32"] = raw(0x40000000 | found.numbers["listen"], -1, -1)
    told["clone in a namespace"] = cloned(found.numbers["clone"])
    told["ioctl TIOCSTI"] = raw(found.numbers["ioctl"], -1, 0x5412, 0)
    told["ioctl of another kind"] = raw(found.numbers["ioctl"], -1, 0x5401, 0)
    return told


def cloned(number: int) -> int:
    """Make a process in a user namespace of its own, without the library's `unshare`."""
    ctypes.set_errno(0)
    child = LIBRARY.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in (0x10000000 | 17, 0, 0, 0, 0)))
    if child == 0:
        os._exit(0)
    if child < 0:
        return ctypes.get_errno()
    os.waitpid(child, 0)
    return 0


def deeds(facts: dict[str, Any], folder: Path) -> dict[str, int]:
    """What somebody who took over a runner would try next."""
    passwords = ctypes.create_string_buffer(16)
    tries: dict[str, Callable[[], object]] = {
        "read the list of users": lambda: Path("/etc/passwd").read_bytes(),
        "read another's public file": lambda: Path(facts["public"]).read_bytes(),
        "write where all may write": lambda: (Path(facts["open"]) / f"made-{os.getpid()}").write_bytes(b"x"),
        "cut a file short": lambda: os.truncate(facts["writable"], 0),
        "list a folder": lambda: list(Path("/").iterdir()),
        "bind a TCP port": lambda: bound(socket.AF_INET, ("127.0.0.1", 0)),
        "bind a TCP port by IPv6": lambda: bound(socket.AF_INET6, ("::1", 0)),
        "listen": lambda: bound(socket.AF_INET, None).listen(),
        "listen at a socket of this machine": lambda: bound(socket.AF_UNIX, f"\0mover-{os.getpid()}").listen(),
        "start a program": lambda: os.posix_spawn("/bin/true", ["/bin/true"], {}),
        "start a program by a shell": lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True),
        "run as a process of its own": forked,
        "trace another process": lambda: need(LIBRARY.ptrace(SEIZE, facts["neighbour"], 0, 0)),
        "look into another process": lambda: Path(f"/proc/{facts['neighbour']}/mem").open("rb").close(),
        "read the memory of another process": lambda: need(
            read_memory(facts["neighbour"], facts["address"], passwords)
        ),
        "signal another process": lambda: os.kill(facts["neighbour"], 0),
        "call another's abstract socket": lambda: socket.socket(socket.AF_UNIX).connect("\0" + facts["abstract"]),
        "make a namespace": lambda: need(LIBRARY.unshare(0x10000000)),
        "speak to the machine's host": lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM),
        "make a pipe where it may write": lambda: os.mkfifo(folder / "state" / f"pipe-{os.getpid()}"),
        "read its key again": (folder / "runner.json").read_bytes,
        "start what it wrote": lambda: started(folder / "state" / "program"),
    }
    return {name: number_of(deed) for name, deed in tries.items()}


def allowed(facts: dict[str, Any], folder: Path) -> dict[str, int]:
    """What a runner lives by."""
    import threading

    def temporary() -> None:
        file = os.open(folder / "spool", os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(file, b"x")

    def renamed() -> None:
        (folder / "state" / "a").write_bytes(b"x")
        (folder / "state" / "a").replace(folder / "state" / "b")
        (folder / "state" / "b").unlink()

    def thread() -> None:
        one = threading.Thread(target=lambda: None)
        one.start()
        one.join()

    def numbers() -> None:
        import numpy as np

        np.ones((300, 300)) @ np.ones((300, 300))

    tries: dict[str, Callable[[], object]] = {
        "a nameless file in the spool": temporary,
        "files of its state": renamed,
        "a thread": thread,
        "numpy": numbers,
        "the name of a host": lambda: socket.getaddrinfo("localhost", 80),
        "a connection": lambda: socket.create_connection(("127.0.0.1", facts["port"]), 5),
        "what the time is elsewhere": lambda: __import__("zoneinfo").ZoneInfo("Europe/Zurich"),
        "authorities": lambda: len(__import__("ssl").create_default_context().get_ca_certs()),
        "its own sockets in pairs": socket.socketpair,
    }
    return {name: number_of(deed) for name, deed in tries.items()}


def plain(folder: Path) -> None:
    """The same folders and the same user as a confined child has, and nothing else of it."""
    for place in (folder / "state", folder / "spool"):
        place.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
    if os.geteuid() == 0:
        folder.chmod(0o711)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def pretend(facts: dict[str, Any]) -> None:
    """Have it take the kernel for an older one: it asks for no more than that one had."""
    if "level" in facts:
        landlock.level = lambda: facts["level"]
    if not facts.get("filters", True):
        seccomp.machine = lambda: None


def bound(family: int, where: Any) -> socket.socket:
    made = socket.socket(family)
    if where is not None:
        made.bind(where)
    return made


def forked() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def started(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o700)
    os.posix_spawn(path, [str(path)], {})


class Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def read_memory(process: int, address: int, into: Any) -> int:
    here, there = Piece(ctypes.addressof(into), 16), Piece(address, 16)
    return LIBRARY.process_vm_readv(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)


def need(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def number_of(deed: Callable[[], object]) -> int:
    ctypes.set_errno(0)
    try:
        deed()
    except OSError as problem:
        return problem.errno or -1
    return 0


def main(what: str, how: str, folder: Path, facts: dict[str, Any]) -> None:
    """See the module."""
    told: dict[str, Any] = {}
    if what == "calls":
        told["tried"] = calls(free=how == "free")
    else:
        if how == "confined":
            pretend(facts)
            measures = confine(folder, local_paths=[Path(p) for p in facts.get("local_paths", [])])
            told["measures"] = {m.name: [m.holds, m.why] for m in measures}
        else:
            plain(folder)
        told["allowed"] = allowed(facts, folder)
        told["tried"] = deeds(facts, folder)
        told["user"] = [*os.getresuid(), *os.getresgid(), *os.getgroups()]
        told["root again"] = number_of(lambda: os.setuid(0))
        told["mask"] = os.umask(0)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.loads(sys.argv[4]))
