"""Puts the filter of system calls in force."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

from mover.runner.confinement.calls import machine
from mover.runner.confinement.filter import program
from mover.runner.confinement.kernel import call

ACTIONS: Final = Path("/proc/sys/kernel/seccomp/actions_avail")
_SET_FILTER: Final = 1
_ALL_THREADS: Final = 1
"""SECCOMP_FILTER_FLAG_TSYNC."""


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def filtered() -> None:
    """From now on the filter judges every call of every thread of this process; `no_new_privs` must be set.

    Raises:
        OSError: the kernel has no such filters, the machine's calls are not known here, or a thread has another filter.
    """
    found = machine()
    if found is None:
        raise OSError(errno.ENOSYS, f"system calls of {os.uname().machine} are not known to Mover")
    code = program(found)
    if thread := call("seccomp", _SET_FILTER, _ALL_THREADS, _Program(len(code) // 8, code)):
        raise OSError(errno.EBUSY, f"thread {thread} has another filter")


def available() -> bool:
    """Whether this kernel and this machine can filter."""
    return machine() is not None and ACTIONS.exists()
