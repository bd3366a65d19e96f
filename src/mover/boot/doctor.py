"""Whether this machine is fit: keys, folders, what lies below the spool, and the versions in use."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final, Literal

from mover.boot.connections import OWNER
from mover.boot.home import Home
from mover.connectors.registry import specs
from mover.core.errors import BadOption, Sealed
from mover.runner.confinement.confine import offered
from mover.vault.local import LocalVault

Verdict = Literal["fine", "note", "wrong"]

PATTERN: Final = Path("/proc/sys/kernel/core_pattern")
SYSTEM: Final = Path("/sys/dev/block")
MOUNTS: Final = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do if it is not fine."""

    what: str
    verdict: Verdict
    finding: str
    advice: str = ""


def examined(home: Home) -> list[Finding]:
    """Everything, in a fixed order; what cannot be looked at is a finding too. Nothing is changed and nothing is sent anywhere."""
    return [
        *_versions(),
        *_modes(home),
        *_tried("keys", lambda: _keys(home)),
        *_tried("spool: room", lambda: [_room(home)]),
        *_tried("spool: file system", lambda: [_below(home)]),
        *_tried("core dumps", lambda: [_dumps()]),
        *_tried("runner", _runners),
        *_connectors(),
    ]


def _tried(what: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return [*look()]
    except OSError as problem:
        return [_unseen(what, problem)]


def _unseen(what: str, problem: OSError) -> Finding:
    where = problem.filename or "this machine"
    advice = "Mend that on this machine, and look again."
    if isinstance(problem, PermissionError):
        advice = f"Let the user who runs Mover use {where} and the folders it is in."
    return Finding(what, "wrong", f"{problem.strerror or problem}: {where}", advice)


def _versions() -> Iterator[Finding]:
    yield Finding("python", "fine", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for wanted in ("openmover", *(requires("openmover") or ())):
        name = re.split(r"[^A-Za-z0-9._-]", wanted, maxsplit=1)[0]
        try:
            yield Finding(name, "fine", version(name))
        except PackageNotFoundError:
            yield Finding(name, "wrong", "not installed", "Install Mover again: a package it needs is missing.")


def _modes(home: Home) -> Iterator[Finding]:
    for path in (home.folder, home.keys, home.keys / "global", home.keys / "users", home.connections, home.runs):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as problem:
            yield _unseen(str(path), problem)
            continue
        yield _mode(path, found, private=path != home.folder)


def _mode(path: Path, found: os.stat_result, *, private: bool) -> Finding:
    what, mode = str(path), stat.S_IMODE(found.st_mode)
    needed = stat.S_IRWXU if stat.S_ISDIR(found.st_mode) else stat.S_IRUSR | stat.S_IWUSR
    if found.st_uid != os.geteuid():
        return Finding(what, "wrong", f"belongs to user {found.st_uid}", "Give it to the user who runs Mover.")
    if mode & needed != needed:
        return Finding(what, "wrong", f"mode {mode:o}: you may not use it", f"chmod u+rwX {path}")
    if private and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(what, "wrong", f"mode {mode:o}: others may use it", f"chmod go= {path}")
    return Finding(what, "fine", f"mode {mode:o}, yours")


def _keys(home: Home) -> Iterator[Finding]:
    """Whether what was sealed can be opened: the two keys of a vault may have been restored from different days."""
    if not (home.keys / "users").is_dir():
        return
    try:
        keys = LocalVault(home.keys).check(OWNER)
    except BadOption as problem:
        yield Finding("keys", "wrong", problem.detail, "Mend that, and look again.")
    except Sealed as problem:
        advice = "Restore the whole folder from a backup; without it, connect again: `mover connection add`."
        yield Finding("keys", "wrong", problem.detail, advice)
    else:
        yield Finding("keys", "fine", f"{keys} of yours, and the global key that opens them")


def _room(home: Home) -> Finding:
    free = shutil.disk_usage(_there(home.spool)).free
    text = f"{free >> 20:,} MiB free, quota {home.quota >> 20:,} MiB"
    if free < home.quota:
        return Finding("spool: room", "wrong", text, "Make room, or set MOVER_SPOOL or MOVER_SPOOL_QUOTA.")
    return Finding("spool: room", "fine", text)


def _below(home: Home) -> Finding:
    """What the spool's encrypted files lie on. They need no encrypted disk; in memory they never reach one."""
    kind, device = _mount(_there(home.spool))
    if kind in ("tmpfs", "ramfs"):
        return Finding(
            "spool: file system", "note", f"{kind}: in memory", "It may be swapped out; what is in it is encrypted."
        )
    if device and _encrypted(SYSTEM / device):
        return Finding("spool: file system", "fine", f"{kind} on an encrypted disk")
    return Finding(
        "spool: file system", "fine", f"{kind or 'unknown'}; files in the spool are encrypted by Mover itself"
    )


def _dumps() -> Finding:
    """Every command of Mover's switches them off for itself; the kernel does not mind that where a program takes them (core(5))."""
    pattern = PATTERN.read_text().strip() if PATTERN.exists() else ""
    if not pattern.startswith("|"):
        return Finding("core dumps", "fine", "off")
    advice = "Let that program leave Mover out, or set kernel.core_pattern to the name of a file."
    return Finding("core dumps", "note", f"taken by {pattern[1:]}: a crash would hand keys to it", advice)


def _runners() -> Iterator[Finding]:
    """What this kernel has to confine a runner with."""
    for measure in offered():
        advice = "" if measure.holds == "yes" else "A newer kernel confines runners further: docs/runners.md."
        yield Finding(f"runner: {measure.name}", "note" if advice else "fine", measure.why, advice)


def _connectors() -> Iterator[Finding]:
    for spec in specs().values():
        if spec.key == "memory":
            continue
        module = spec.client.partition(":")[0]
        try:
            import_module(module if "." in module else f"mover.connectors.{spec.key}.{module}")
        except ImportError as error:
            yield Finding(spec.key, "wrong", f"cannot be loaded: {error}", "Install Mover again.")
        else:
            yield Finding(spec.key, "fine", f"{spec.title}: {spec.channel.value}")


def _there(path: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    while not path.exists():
        path = path.parent
    return path


def _mount(path: Path) -> tuple[str, str]:
    """Type of the file system and number of the device (`254:0`) below a path, from proc(5)'s mountinfo."""
    number = path.stat().st_dev
    wanted = f"{os.major(number)}:{os.minor(number)}"
    for line in MOUNTS.read_text().splitlines() if MOUNTS.exists() else ():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            return after.split()[0], wanted
    return "", wanted


def _encrypted(device: Path) -> bool:
    """Whether the device, or one below it, is a dm-crypt mapping (its uuid begins with CRYPT-)."""
    uuid = device / "dm" / "uuid"
    if uuid.exists() and uuid.read_text().startswith("CRYPT-"):
        return True
    slaves = device / "slaves"
    return slaves.exists() and any(_encrypted(slave) for slave in slaves.iterdir())
