"""What becomes of a confined process as such: its rights, its open files, its memory, its crash, and files that are replaced under it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from tests.postgres import public_folder
from tests.runner.children import HERE, NOBODY, ROOT, as_plain, environment, process
from tests.runner.kernels import offered_here

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


READING_AGAIN: Final = """
import sys
from pathlib import Path
from mover.runner.confinement.confine import confine
key = Path(sys.argv[1], "runner.json")
key.read_bytes()
confine(key.parent)
key.read_bytes()
"""


def test_a_plain_users_runner_does_not_read_its_key_again_either() -> None:
    """The file is the user's own: it is Landlock that keeps it closed."""
    with public_folder() as folder:
        folder.chmod(0o777)
        (folder / "runner.json").write_text("key")
        (folder / "runner.json").chmod(0o644)
        command = [sys.executable, "-c", READING_AGAIN, str(folder)]
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
