"""What a confined process cannot do any more, tried for real; the same process without confinement can."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
from collections.abc import Generator
from typing import Any, Final

import pytest
from tests.postgres import public_folder
from tests.runner.children import ROOT, surroundings, told_by
from tests.runner.kernels import landlock_level, offered_here

from mover.runner.confinement.calls import AUDIT, NUMBERS
from mover.runner.confinement.filter import REFUSED, UNKNOWN

CLOSED, REFUSED_CALL, NO_FAMILY = errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT

FORBIDDEN: Final[dict[str, tuple[str, int]]] = {
    "read the list of users": ("files", CLOSED),
    "read another's public file": ("files", CLOSED),
    "write where all may write": ("files", CLOSED),
    "cut a file short": ("files", CLOSED),
    "list a folder": ("files", CLOSED),
    "make a pipe where it may write": ("files", CLOSED),
    "bind a TCP port": ("listening", CLOSED),
    "bind a TCP port by IPv6": ("listening", CLOSED),
    "listen": ("system calls", REFUSED_CALL),
    "listen at a socket of this machine": ("system calls", REFUSED_CALL),
    "start a program": ("system calls", REFUSED_CALL),
    "start a program by a shell": ("system calls", REFUSED_CALL),
    "start what it wrote": ("system calls", REFUSED_CALL),
    "run as a process of its own": ("system calls", REFUSED_CALL),
    "trace another process": ("system calls", REFUSED_CALL),
    "look into another process": ("files", CLOSED),
    "read the memory of another process": ("system calls", REFUSED_CALL),
    "make a namespace": ("system calls", REFUSED_CALL),
    "speak to the machine's host": ("system calls", NO_FAMILY),
    "signal another process": ("signals", REFUSED_CALL),
    "call another's abstract socket": ("signals", REFUSED_CALL),
    "read its key again": ("files", CLOSED),
}
"""Each deed, which measure stands against it, and how the kernel refuses."""


@pytest.fixture(scope="module")
def tried() -> Generator[tuple[dict[str, Any], dict[str, Any]]]:
    """What a free child could do, and what a confined one."""
    with surroundings() as (folder, facts):
        yield told_by("deeds", "free", folder, facts), told_by("deeds", "confined", folder, facts)


def test_all_deeds_are_tried(tried: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert tried[0]["tried"].keys() == tried[1]["tried"].keys() == FORBIDDEN.keys()


@pytest.mark.parametrize("deed", FORBIDDEN)
def test_a_confined_runner_cannot(deed: str, tried: tuple[dict[str, Any], dict[str, Any]]) -> None:
    free, confined = tried
    measure, number = FORBIDDEN[deed]
    of_root = ROOT and deed == "read its key again"  # which the runner's user never could
    assert free["tried"][deed] == (CLOSED if of_root else 0), "the control: a free process can"
    if offered_here()[measure] == "yes":
        assert confined["tried"][deed] == number, os.strerror(confined["tried"][deed])
    else:
        assert confined["measures"][measure][0] != "yes", "what this kernel lacks is told"


OLDER: Final = {
    "Linux 5.13": ({"level": 1}, {"files": "partly", "listening": "partly", "signals": "no"}, "signal another process"),
    "Linux 6.2": ({"level": 3}, {"files": "yes", "listening": "partly", "signals": "no"}, "bind a TCP port"),
    "Linux 6.7": (
        {"level": 4},
        {"files": "yes", "listening": "yes", "signals": "no"},
        "call another's abstract socket",
    ),
    "no Landlock": ({"level": 0}, {"files": "no", "listening": "partly", "signals": "no"}, "read the list of users"),
    "no filters": ({"filters": False}, {"listening": "partly", "system calls": "no"}, "make a namespace"),
}
"""What to take this kernel for, what must be told then, and a deed that works again."""


@pytest.mark.parametrize("kernel", OLDER)
def test_an_older_kernel_holds_less_and_that_is_told(kernel: str) -> None:
    facts, wanted, works = OLDER[kernel]
    if offered_here() != dict.fromkeys(offered_here(), "yes"):
        assert landlock_level() < 6 or offered_here()["system calls"] == "no"
        return  # this is such a kernel itself, and the other tests hold it to what it tells
    with surroundings() as (folder, more):
        told = told_by("deeds", "confined", folder, more | facts)
    holds = {name: row[0] for name, row in told["measures"].items()}
    assert {name: holds[name] for name in wanted} == wanted
    assert told["tried"][works] == 0 and set(told["allowed"].values()) == {0}
    for deed, (measure, number) in FORBIDDEN.items():
        if holds[measure] == "yes" and not (ROOT and deed == "read its key again"):
            assert told["tried"][deed] == number, deed


def test_a_confined_runner_can_work(tried: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for child in tried:
        assert set(child["allowed"].values()) == {0}, child["allowed"]


def test_the_measures_say_what_this_kernel_has(tried: tuple[dict[str, Any], dict[str, Any]]) -> None:
    told = {name: holds for name, (holds, _) in tried[1]["measures"].items()}
    own = dict.fromkeys(("new files", "open files", "privileges", "memory", "new rights"), "yes")
    assert told == own | offered_here()
    assert all(why for _, why in tried[1]["measures"].values())
    assert tried[1]["mask"] == 0o077


@pytest.mark.skipif(not ROOT, reason="only root can lose root")
def test_root_is_lost_for_good(tried: tuple[dict[str, Any], dict[str, Any]]) -> None:
    confined = tried[1]
    assert 0 not in confined["user"] and len(set(confined["user"][:3])) == len(set(confined["user"][3:])) == 1
    assert confined["root again"] == errno.EPERM


NEVER: Final = frozenset(
    [
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "mount",
        "umount2",
        "fsopen",
        "fsmount",
        "move_mount",
        "open_tree",
        "mount_setattr",
        "kexec_load",
        "kexec_file_load",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "keyctl",
        "add_key",
        "request_key",
        "unshare",
        "setns",
        "init_module",
        "finit_module",
        "delete_module",
        "pivot_root",
        "chroot",
        "reboot",
        "swapon",
        "swapoff",
        "acct",
        "listen",
        "accept",
        "accept4",
        "execve",
        "execveat",
        "clone3",
        "io_uring_setup",
        "pidfd_getfd",
        "open_by_handle_at",
    ]
)


def test_every_refused_system_call() -> None:
    with public_folder() as folder:
        free, confined = (told_by("calls", how, folder, {})["tried"] for how in ("free", "confined"))
    assert set(REFUSED) | set(UNKNOWN) <= confined.keys() | {name for name, row in NUMBERS.items() if row[1] is None}
    assert confined.keys() >= NEVER, "the least that must be on the list"
    for name, number in confined.items():
        if name == "ioctl of another kind":
            assert number == errno.EBADF
        else:
            assert number == (errno.ENOSYS if name in UNKNOWN else errno.EPERM), name
    if ROOT:  # who has all rights hears another word of each, so the refusal is the filter's
        assert [name for name, number in free.items() if number == errno.EPERM] == []
    assert free["clone in a namespace"] == 0 and free["ioctl TIOCSTI"] == errno.EBADF


def test_the_numbers_are_the_kernels() -> None:
    """libseccomp, which Debian's package manager needs, knows them too."""
    library = ctypes.CDLL("libseccomp.so.2")
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    for column, audit in enumerate(AUDIT.values()):
        for name, row in NUMBERS.items():
            known = resolve(audit, name.encode())
            assert (row[column] or -1) == (known if known >= 0 else -1), (name, hex(audit))
