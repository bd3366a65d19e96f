"""What a confined runner may read of its machine: programs' libraries, authorities, names of hosts, time zones. No user's files."""

from __future__ import annotations

import ssl
import stat
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mover
from mover.runner.confinement.landlock import KEEP, OWN, READ, Access, Rule

LIBRARIES: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
AUTHORITIES: Final = (
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"),
    *("/usr/share/pki", "/var/lib/ca-certificates"),
)
NAMES: Final = tuple(
    f"/etc/{name}"
    for name in ("resolv.conf", "hosts", "host.conf", "nsswitch.conf", "gai.conf", "services", "protocols", "networks")
)
TIMES: Final = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")
MACHINE: Final = (
    "/dev/urandom",
    "/dev/random",
    "/proc/self",
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
)
"""How many processors and how much memory there are, for the libraries' pools."""

RESOLVER: Final = Path("/etc/resolv.conf")
_NULL: Final = Path("/dev/null")


def rules(written: tuple[Path, ...], local_paths: tuple[Path, ...]) -> Iterator[Rule]:
    """What may be used: the machine's parts named here, the folders that are `written`, and local paths as their user may."""
    for path in _read():
        yield Rule(path, READ)
    yield Rule(_NULL, READ | Access.WRITE_FILE)
    for path in written:
        yield Rule(path, KEEP)
    for path in local_paths:
        yield Rule(path, OWN)


def lost() -> list[Path]:
    """Files of the resolver that every user may read and this process may not: they were replaced since it was confined."""
    return [path for path in map(Path, NAMES) if _is_public(path) and not _opens(path)]


def _is_public(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _opens(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except PermissionError:
        return False
    except OSError:  # replaced this very moment
        return True


def _read() -> Iterator[Path]:
    yield from map(Path, (*LIBRARIES, *AUTHORITIES, *NAMES, *TIMES, *MACHINE))
    yield from _python()
    yield from _authorities()
    if RESOLVER.is_symlink():  # its keeper replaces the file that it leads to: the folder is what stays
        target = RESOLVER.resolve().parent
        if target.is_relative_to("/run"):
            yield target


def _python() -> Iterator[Path]:
    """Python and Mover, wherever they are installed. The folder in which the command was given is not part of it."""
    here = Path.cwd()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = [*map(sysconfig.get_path, names), *sys.path, *mover.__path__]
    yield from (path for path in map(Path, filter(None, found)) if path != here and path.is_absolute())
    yield Path(sys.prefix, "pyvenv.cfg")


def _authorities() -> Iterator[Path]:
    """Where this machine's OpenSSL looks; `SSL_CERT_FILE` and `SSL_CERT_DIR` are in it."""
    where = ssl.get_default_verify_paths()
    for text in (where.cafile, where.capath, where.openssl_cafile, where.openssl_capath):
        if text:
            yield Path(text)
