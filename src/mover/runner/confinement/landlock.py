"""Landlock: which files and ports a process may still use (landlock(7)).

The kernel tells a level (its "ABI version"), and every level guards more: 1 files, 3 their truncation too, 4 TCP ports, 5 devices,
6 signals and abstract sockets of other programs.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Final

from mover.runner.confinement.kernel import call, threads

FILES: Final = 3
"""From this level on no change of a file is left out."""

PORTS: Final = 4
SIGNALS: Final = 6


class Access(IntFlag):
    """What may be done below a path (LANDLOCK_ACCESS_FS_*)."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ: Final = Access.READ_FILE | Access.READ_DIR
KEEP: Final = READ | Access.WRITE_FILE | Access.TRUNCATE | Access.MAKE_REG | Access.REMOVE_FILE
OWN: Final = KEEP | Access.MAKE_DIR | Access.REMOVE_DIR | Access.MAKE_SYM | Access.REFER
"""All that one does with one's own files; nothing below such a path can be started, either."""

_OF_FILES: Final = Access.READ_FILE | Access.WRITE_FILE | Access.TRUNCATE
_LAST_BIT: Final = ((1, 12), (2, 13), (3, 14), (5, 15))
_BIND: Final = 1
_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 3
_VERSION: Final = 1
_BENEATH: Final = 1
_NONE: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP})


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be done at a path, and below it."""

    path: Path
    access: Access


def level() -> int:
    """The kernel's level; 0 where there is no Landlock, or it is switched off."""
    try:
        return call("landlock_create_ruleset", None, 0, _VERSION)
    except OSError as problem:
        if problem.errno in _NONE:
            return 0
        raise


def restricted(files: Iterable[Rule] | None) -> None:
    """From now on this process may use these files only, binds no TCP port, and sends no signal outside, as far as the level goes.

    `None` leaves files as they were. A path that is not there is left out. It must run before there are threads: others would not be
    held. `no_new_privs` must be set.

    Raises:
        OSError: the kernel refused, or there are threads already.
    """
    if threads() > 1:
        raise OSError(errno.EBUSY, "there are threads already, which it would not hold")
    now = level()
    handled = 0 if files is None else _handled(now)
    attributes = struct.pack("=QQQ", handled, _BIND, _ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 24 if now >= SIGNALS else 16 if now >= PORTS else 8
    if not now or (files is None and now < PORTS):
        return
    rules = call("landlock_create_ruleset", attributes[:size], size, 0)
    try:
        for rule in files or ():
            _allow(rules, rule, handled)
        call("landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)


def _handled(now: int) -> int:
    bits = max(bit for least, bit in _LAST_BIT if now >= least) if now else -1
    return (1 << (bits + 1)) - 1


def _allow(rules: int, rule: Rule, handled: int) -> None:
    try:
        at = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not there, or not for us: then it stays closed
        return
    try:
        access = rule.access if stat.S_ISDIR(os.fstat(at).st_mode) else rule.access & _OF_FILES
        call("landlock_add_rule", rules, _BENEATH, struct.pack("=Qi", access & handled, at), 0)
    finally:
        os.close(at)
