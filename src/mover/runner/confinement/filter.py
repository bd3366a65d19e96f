"""The program by which the kernel judges each system call of a runner (seccomp(2), linux/filter.h).

It is a list of what is refused: a list of what is allowed breaks with the next release of a library. Refused is what a mover of files
has no use for, and what those who break into one reach for.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable
from typing import Final

from mover.runner.confinement.calls import Machine

REFUSED: Final[tuple[str, ...]] = (
    # whoever listens can be called: a runner only calls
    *("listen", "accept", "accept4"),
    # other programs
    *("execve", "execveat", "fork", "vfork", "uselib"),
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd"),
    # file systems, and files past their paths
    *("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount", "open_tree"),
    *("mount_setattr", "open_by_handle_at", "fanotify_init", "quotactl", "quotactl_fd", "lookup_dcookie"),
    # namespaces
    *("unshare", "setns"),
    # the kernel itself, and its parts that had many holes
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf", "perf_event_open"),
    *("userfaultfd", "keyctl", "add_key", "request_key", "modify_ldt", "iopl", "ioperm", "syslog"),
    # the machine
    *(
        "reboot",
        "swapon",
        "swapoff",
        "acct",
        "settimeofday",
        "clock_settime",
        "sethostname",
        "setdomainname",
        "vhangup",
    ),
)
"""Answered with EPERM."""

UNKNOWN: Final = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")
"""Answered with ENOSYS, as by an older kernel: libraries then use calls that a filter can look into."""

FAMILIES: Final = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""Sockets that may be made. Netlink is how the C library learns which addresses this machine has when it looks up names."""

TERMINAL: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX (ioctl_tty(2)): they type into the terminal from which the runner was started."""

_THREAD: Final = 0x00010000
"""CLONE_THREAD (clone(2)). What is not a thread of ours is a process, perhaps in namespaces of its own."""

_X32: Final = 0x40000000
"""From here on numbers belong to the x32 interface of x86_64, under which the same calls have other numbers."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Where seccomp's data holds them (struct seccomp_data). Of an argument, the lower half comes first on these machines."""


def program(machine: Machine) -> bytes:
    """The instructions for that machine, 8 bytes each. Calls of another machine's interface end the process."""
    numbers = machine.numbers
    code = [_load(_ARCHITECTURE), _jump(_EQUAL, machine.audit, 1, 0), _give(_KILL_PROCESS), _load(_NUMBER)]
    if machine.name == "x86_64":
        code += [_jump(_AT_LEAST, _X32, 0, 1), _refuse(errno.EPERM)]
    for names, why in ((REFUSED, errno.EPERM), (UNKNOWN, errno.ENOSYS)):
        for name in names:
            if name in numbers:
                code += [_jump(_EQUAL, numbers[name], 0, 1), _refuse(why)]
    code += _where(numbers["socket"], 0, _unless_one_of(FAMILIES, errno.EAFNOSUPPORT))
    code += _where(numbers["clone"], 0, [_jump(_ANY_BIT, _THREAD, 1, 0), _refuse(errno.EPERM), _give(_ALLOW)])
    code += _where(numbers["ioctl"], 1, _if_one_of(TERMINAL, errno.EPERM))
    return b"".join([*code, _give(_ALLOW)])


def _where(number: int, argument: int, then: list[bytes]) -> list[bytes]:
    """For one call, judge an argument: `then` must end in a verdict."""
    judged = [_load(_ARGUMENTS + 8 * argument), *then]
    return [_jump(_EQUAL, number, 0, len(judged)), *judged]


def _unless_one_of(values: Iterable[int], why: int) -> list[bytes]:
    return [*_verdict_for(values, _give(_ALLOW)), _refuse(why)]


def _if_one_of(values: Iterable[int], why: int) -> list[bytes]:
    return [*_verdict_for(values, _refuse(why)), _give(_ALLOW)]


def _verdict_for(values: Iterable[int], verdict: bytes) -> list[bytes]:
    return [piece for value in values for piece in (_jump(_EQUAL, value, 0, 1), verdict)]


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _jump(how: int, value: int, if_so: int, if_not: int) -> bytes:
    return struct.pack("=HBBI", how, if_so, if_not, value)


def _give(verdict: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, verdict)


def _refuse(number: int) -> bytes:
    return _give(_ERRNO | number)
