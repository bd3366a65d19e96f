"""What a process can promise of itself: no dumps, no readers of its memory, no new rights, nothing inherited."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

from mover.runner.confinement.kernel import prctl, said_of_us
from mover.runner.confinement.measure import Measure

PRIVATE: Final = 0o077
_SET_DUMPABLE, _GET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 3, 38
_DESCRIPTORS: Final = Path("/proc/self/fd")
_STANDARD: Final = 3


def private_files() -> Measure:
    """What is made from now on is for this user alone."""
    os.umask(PRIVATE)
    return Measure("new files", "yes", "mode 0600, folders 0700 (umask 077)")


def nothing_inherited() -> Measure:
    """Close every descriptor but the standard ones: whoever started us may have left some open."""
    closed = 0
    for path in list(_DESCRIPTORS.iterdir()):
        if int(path.name) >= _STANDARD:
            with suppress(OSError):  # the one by which the folder was listed is gone
                os.close(int(path.name))
                closed += 1
    return Measure("open files", "yes", f"none but the standard ones ({closed} closed)" if closed else "none inherited")


def no_dumps() -> Measure:
    """A crash writes no memory to a disk, and hands none to a program that takes dumps (core(5)). To be called after users are changed.

    A limit of 0 alone does not keep such a program from getting one; that the process is not dumpable does.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl(_SET_DUMPABLE, 0)
    if prctl(_GET_DUMPABLE) != 0:
        return Measure("memory", "no", "the kernel keeps this process dumpable")
    return Measure("memory", "yes", "no core dumps; no other process of the same user can read it")


def no_new_rights() -> Measure:
    """No program that this process might start gets more rights than it has (set-user-ID files, file capabilities)."""
    prctl(_SET_NO_NEW_PRIVS, 1)
    if said_of_us("NoNewPrivs") == "0":
        return Measure("new rights", "no", "no_new_privs did not take")
    return Measure("new rights", "yes", "none can be gained (no_new_privs)")
