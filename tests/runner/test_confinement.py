"""What a confined process cannot do any more, tried for real; the same process without confinement can."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.postgres import public_folder
from tests.runner.children import HERE, NOBODY, ROOT, as_plain, environment, process, surroundings, told_by
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


LEFT: Final = """
import json, os, sys
from pathlib import Path
from mover.runner.confinement.confine import confine
def rights():
    return [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line[:6] in ("CapPrm", "CapEff", "CapAmb")]
def opened():
    return [int(path.name) for path in list(Path("/proc/self/fd").iterdir()) if path.exists()]
before = [rights(), opened()]
measures = {m.name: m.holds for m in confine(Path(sys.argv[1]), local_paths=[Path(p) for p in sys.argv[2:]])}
print(json.dumps([before, [rights(), opened()], measures]))
"""


def left(folder: Path, *local: str, prefix: tuple[str, ...] = (), **more: Any) -> list[Any]:
    """Rights and descriptors of a child before and after it was confined, and its measures."""
    command = [*prefix, sys.executable, "-c", LEFT, str(folder), *local]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_was_left_open_is_closed() -> None:
    with public_folder() as folder, (folder / "secret").open("w") as secret:
        secret_number = secret.fileno()
        (runner := folder / "runner").mkdir()
        before, after, _ = left(runner, pass_fds=[secret_number])
    assert secret_number in before[1] and secret_number not in after[1]
    assert set(after[1]) == {0, 1, 2}


@pytest.mark.skipif(not ROOT, reason="only root can hand out capabilities")
def test_capabilities_are_given_up() -> None:
    given = (
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--inh-caps=+net_raw",
        "--ambient-caps=+net_raw",
    )
    with public_folder() as folder:
        folder.chmod(0o777)
        before, after, measures = left(folder, prefix=given)
    assert before[0] == ["0000000000002000"] * 3 and after[0] == ["0000000000000000"] * 3
    assert measures["privileges"] == "yes"


@pytest.mark.skipif(not ROOT, reason="only root can stay root")
def test_root_for_local_paths_has_rights_over_files_only() -> None:
    with public_folder() as folder:
        _, after, measures = left(folder, "/")
    assert after[0] == ["000000000000001f", "000000000000001f", "0000000000000000"]
    assert (measures["privileges"], measures["files"]) == ("no", "no")


def test_a_plain_users_runner_does_not_read_its_key_again_either() -> None:
    """The file is the user's own: it is Landlock that keeps it closed."""
    code = (
        "import sys; from pathlib import Path; from mover.runner.confinement.confine import confine; key = Path(sys.argv[1], 'runner.json'); \
key.read_bytes(); confine(key.parent); key.read_bytes()"
    )
    with public_folder() as folder:
        folder.chmod(0o777)
        (folder / "runner.json").write_text("key")
        (folder / "runner.json").chmod(0o644)
        command = [sys.executable, "-c", code, str(folder)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(), check=False, cwd="/", **as_plain()
        )
    assert ("PermissionError" in done.stderr) == (offered_here()["files"] != "no"), done.stderr


WAITING: Final = """
import os, sys
from pathlib import Path
from mover.runner.confinement.confine import confine
if sys.argv[1] == "confined":
    confine(Path(sys.argv[2]))
import ctypes
kept = ctypes.create_string_buffer(b"it is a secret!!")
print(ctypes.addressof(kept), flush=True)
sys.stdin.read()
"""
ATTACK: Final = """
import ctypes, os, sys
process, address = int(sys.argv[1]), int(sys.argv[2])
sys.path.insert(0, sys.argv[3])
from trying import LIBRARY, SEIZE, read_memory
found = ctypes.create_string_buffer(16)
print(read_memory(process, address, found), found.raw == b"it is a secret!!")
try:
    with open(f"/proc/{process}/mem", "rb", 0) as memory:
        memory.seek(address)
        print(memory.read(16) == b"it is a secret!!")
except PermissionError:
    print("refused")
print(LIBRARY.ptrace(SEIZE, process, 0, 0))
try:
    open(f"/proc/{process}/environ", "rb").read()
    print("read")
except PermissionError:
    print("refused")
"""


@pytest.mark.parametrize(
    ("how", "heard"),
    [("free", ["16 True", "True", "0", "read"]), ("confined", ["-1 False", "refused", "-1", "refused"])],
)
def test_another_process_of_the_same_user_cannot_read_its_memory(how: str, heard: list[str]) -> None:
    with public_folder() as folder:
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        for place in (folder, folder / "state", folder / "spool"):
            place.chmod(0o777)  # it begins as the plain user, whom root's folder would not serve
        with process([sys.executable, "-c", WAITING, how, str(folder)]) as holder:
            assert holder.stdout is not None
            address = holder.stdout.readline().strip()
            command = [sys.executable, "-c", ATTACK, str(holder.pid), address, str(HERE)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment(), cwd="/", **as_plain()
            )
    assert done.stdout.splitlines() == heard, done.stderr


ABORTING: Final = """
import os, resource, sys
from pathlib import Path
from mover.runner.confinement.confine import confine
folder = Path(sys.argv[2])
os.chdir(folder / "state")
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_CORE)[1]))
if sys.argv[1] == "confined":
    confine(folder)
os.abort()
"""


@pytest.mark.parametrize("how", ["free", "confined"])
def test_a_crash_leaves_no_core(how: str) -> None:
    limit = __import__("resource").getrlimit(4)
    with public_folder() as folder:
        for place in (folder / "state", folder / "spool"):
            place.mkdir()
            place.chmod(0o777)
        folder.chmod(0o777)
        begun = subprocess.Popen(
            [sys.executable, "-c", ABORTING, how, str(folder)],
            env=environment(),
            stderr=subprocess.DEVNULL,
            **as_plain(),
        )
        _, status = os.waitpid(begun.pid, 0)
        begun.returncode = os.waitstatus_to_exitcode(status)
        left = [path.name for path in (folder / "state").iterdir() if path.name.startswith("core")]
    assert os.WTERMSIG(status) == signal.SIGABRT
    if how == "confined":
        assert (os.WCOREDUMP(status), left) == (False, [])
    else:
        assert os.WCOREDUMP(status) or limit[1] == 0, (
            "the control: a free process leaves one, where the machine lets it"
        )


@pytest.mark.skipif(not ROOT, reason="a view of /etc of one's own needs root")
def test_a_runner_ends_when_its_resolver_files_are_replaced() -> None:
    """In a view of the files of its own, /etc a copy that may be changed: nothing of this machine's is."""
    with public_folder() as folder:
        runner, over = folder / "runner", folder / "over"
        runner.mkdir(mode=0o700)
        over.mkdir()
        script = 'mount -t tmpfs t "$1" && cp -a /etc "$1/etc" && mount --bind "$1/etc" /etc && exec "$2" "$3" "$4"'
        words = [over, sys.executable, HERE / "replacing.py", runner]
        command = ["unshare", "-m", "sh", "-c", script, "sh", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    if offered_here()["files"] != "no":
        assert told == {"before": [], "which": "/etc/hosts", "stops": ["stop"]}
