"""What the kernel of this machine has to confine with, asked in the test's own words."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path


@cache
def landlock_level() -> int:
    """The version of Landlock's interface; 0 where there is none (landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION)."""
    return max(0, ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


@cache
def offered_here() -> dict[str, str]:
    """Which of the kernel's measures can hold here, by their names."""
    level, filters = landlock_level(), Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    return {
        "files": "yes" if level >= 3 else "partly" if level else "no",
        "listening": "yes" if filters and level >= 4 else "partly" if filters or level >= 4 else "no",
        "signals": "yes" if level >= 6 else "no",
        "system calls": "yes" if filters else "no",
    }
