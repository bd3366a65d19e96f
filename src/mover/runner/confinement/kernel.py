"""System calls that Python has no name for, and what the kernel says of this process."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Final, cast

from mover.runner.confinement.calls import machine

STATUS: Final = Path("/proc/self/status")
TASKS: Final = Path("/proc/self/task")

_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)
_LIBRARY.syscall.restype = ctypes.c_long


def call(name: str, *arguments: int | bytes | ctypes.Structure | None) -> int:
    """Make a system call (syscall(2)); a structure is handed over by its address.

    Raises:
        OSError: the kernel refused; ENOSYS where it, or this module, does not know the call.
    """
    found = machine()
    if found is None or name not in found.numbers:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    given = [_word(argument) for argument in arguments]
    result = cast("int", _LIBRARY.syscall(ctypes.c_long(found.numbers[name]), *given))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def prctl(option: int, value: int = 0, more: int = 0) -> int:
    """Ask something for this process (prctl(2)). Raises `OSError`."""
    words = [ctypes.c_ulong(word) for word in (option, value, more, 0, 0)]
    result = cast("int", _LIBRARY.prctl(*words))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")
    return result


def said_of_us(field: str) -> str:
    """A line of this process's status (proc(5)), such as `CapEff`; empty if the kernel has no such line."""
    for line in STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    return ""


def threads() -> int:
    """How many threads this process has, those of libraries too."""
    return sum(1 for _ in TASKS.iterdir())


def _word(argument: int | bytes | ctypes.Structure | None) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return ctypes.byref(argument) if isinstance(argument, ctypes.Structure) else argument
