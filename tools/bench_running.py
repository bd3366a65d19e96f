"""The bench itself: servers, the homes of both programs, and programs that take turns and are timed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench_page import Row
from with_sites import MOVER, SITES, Site, add_connection, environment, load_sites

RCLONES: Final = (Path(sys.executable).with_name("rclone"), Path("/usr/bin/rclone"))
"""The latest from PyPI, and Debian's."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108  # the benchmark's files; nothing secret


@dataclass
class Measure:
    """What one program took in one round: seconds, seconds of its own CPU time, MiB of memory at the most.

    `around` are the CPU seconds of everything else on the machine meanwhile: the servers.
    """

    wall: float
    cpu: float
    memory: float
    around: float


@dataclass
class Contest:
    """One row: what is done, by which commands, and how the ground is prepared before each."""

    name: str
    unit: str
    amount: float
    goal: str
    contestants: dict[str, list[list[str]]]
    prepare: Callable[[], None] = lambda: None
    measured: dict[str, list[Measure]] = field(default_factory=dict)


class Bench:
    """The servers, the homes of both programs, and the rows."""

    def __init__(self, work: Path, stack: ExitStack, scale: float) -> None:
        self.work = work
        self.scale = scale
        self.stack = stack
        self.home = work / "home"
        self.configuration = work / "rclone.conf"
        self.configuration.touch()
        self.programs: tuple[Path, ...] = RCLONES
        load_sites()

    def site(self, name: str) -> Site:
        """Start a server."""
        folder = self.work / name
        folder.mkdir()
        folder.chmod(0o755)
        return self.stack.enter_context(SITES[name](folder))

    def connect(
        self, name: str, site: Site, changed: dict[str, object] | None = None, section: dict[str, str] | None = None
    ) -> None:
        """Make a place known to both programs under one name."""
        add_connection(self.home, name, site, changed)
        lines = [f"{key} = {value}" for key, value in {**(site.rclone or {}), **(section or {})}.items()]
        with self.configuration.open("a") as file:
            file.write("\n".join([f"[{name}]", *lines, "", ""]))

    def crypt(self, name: str) -> Path:
        """A folder that rclone encrypts, as its remote `name`."""
        folder = self.work / name
        command = [str(RCLONES[0]), "obscure", "password"]
        password = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        with self.configuration.open("a") as file:
            file.write(f"[{name}]\ntype = crypt\nremote = {folder}\npassword = {password}\n\n")
        return folder

    def mover(self, *words: str) -> list[str]:
        """A command of Mover's."""
        return [str(MOVER), *words, *(("--quiet",) if words[0] == "copy" else ())]

    def rclones(
        self, *words: str, latest_only: tuple[str, ...] = (), certificate: str | None = None
    ) -> dict[str, list[list[str]]]:
        """The same command for every rclone here."""
        found: dict[str, list[list[str]]] = {}
        for number, program in enumerate(self.programs):
            if program.exists():
                extra = latest_only if number == 0 else ()
                trust = ["--ca-cert", certificate] if certificate else []
                name = "rclone" if number == 0 else "rclone (Debian)"
                found[name] = [[str(program), "--config", str(self.configuration), *trust, *words, *extra]]
        return found

    def run(self, contest: Contest, rounds: int) -> Row:
        """Let the contestants take turns."""
        for number in range(rounds):
            for name, commands in contest.contestants.items():
                contest.prepare()
                measure = self._timed(commands)
                contest.measured.setdefault(name, []).append(measure)
                print(
                    f"  {contest.name}, round {number + 1}, {name}: {measure.wall:.2f} s, CPU {measure.cpu:.2f} s",
                    flush=True,
                )
        return Row.of(contest.name, contest.unit, contest.amount, contest.goal, contest.measured)

    def _timed(self, commands: list[list[str]]) -> Measure:
        begin, busy, cpu, memory = time.monotonic(), _busy(), 0.0, 0.0
        for command in commands:
            process = subprocess.Popen(
                command, env=environment(self.home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            error = process.stderr.read() if process.stderr else b""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {error.decode()[-2000:]}")
            cpu += usage.ru_utime + usage.ru_stime
            memory = max(memory, usage.ru_maxrss / 1024)
        return Measure(time.monotonic() - begin, cpu, memory, max(0.0, _busy() - busy - cpu))


def _busy() -> float:
    """CPU seconds of the whole machine since it started, waiting not included: proc_stat(5)."""
    user, nice, system, _idle, _waiting, interrupts, softly, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + softly) / os.sysconf("SC_CLK_TCK")


@contextmanager
def bench_of(scale: float) -> Iterator[Bench]:
    """A bench in a folder of its own, in memory if there is room."""
    home = MEMORY if os.access(MEMORY, os.W_OK) else None
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mover-bench-", dir=home)))
        work.chmod(0o755)
        yield Bench(work, stack, scale)
