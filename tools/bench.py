"""Compares Mover with rclone on this machine: same servers, same run, interleaved, medians.

Prints the table; `--write` puts it into docs/performance.md.

Every figure of the claim is a ratio of two programs that ran minutes apart on the same machine; the absolute ones say more of the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench_page import Row, page, table
from with_sites import MOVER, ROOT, SITES, Site, add_connection, environment, load_sites

RCLONES: Final = (Path(sys.executable).with_name("rclone"), Path("/usr/bin/rclone"))
"""The latest from PyPI, and Debian's."""

TUNED: Final = ("--transfers", "32", "--checkers", "32", "--retries", "1", "--low-level-retries", "3", "--stats", "0")
NO_CHECK: Final = ("--no-check-dest", "--ignore-times")
S3: Final = (
    *("--s3-chunk-size", "16M", "--s3-upload-concurrency", "4", "--s3-disable-checksum", "--s3-no-check-bucket"),
    "--s3-no-head",
)
UNSIGNED: Final = ("--s3-use-unsigned-payload=true",)
SFTP: Final = (
    *("--sftp-disable-hashcheck", "--sftp-ciphers", "aes128-gcm@openssh.com"),
    *("--sftp-chunk-size", "255k", "--sftp-concurrency", "64"),
)
PACER: Final = ("--webdav-pacer-min-sleep", "0.01ms")

MEMORY: Final = Path("/dev/shm")  # noqa: S108  # the benchmark's files; nothing secret


@dataclass
class Measure:
    """What one program took in one round: seconds, seconds of its own CPU time, MiB of memory at the most."""

    wall: float
    cpu: float
    memory: float


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
        begin, cpu, memory = time.monotonic(), 0.0, 0.0
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
        return Measure(time.monotonic() - begin, cpu, memory)


def emptied(*folders: Path) -> Callable[[], None]:
    """Prepare by emptying folders, and forget Mover's runs."""

    def prepare() -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    return prepare


def forgetting(bench: Bench, *folders: Path) -> Callable[[], None]:
    """As `emptied`, and Mover's journals are gone too, so that each round is a first one."""
    return emptied(bench.home / "runs", *folders)


def http_contests(bench: Bench) -> Iterator[Contest]:
    """Nginx to nginx over TLS."""
    site = bench.site("nginx_dav")
    other = Path(site.notes["second_folder"])
    bench.connect("dav", site, section={"type": "webdav", "url": str(site.options["url"]), "vendor": "other"})
    second = site.notes["second_url"]
    bench.connect("dav2", site, {"url": second}, section={"type": "webdav", "url": second, "vendor": "other"})
    files = int(2_000 * bench.scale)
    planted(folder_of(site) / "small", files, 4_096)
    certificate = str(site.options["ca_file"])
    for verify in ("none", "changed"):
        yield Contest(
            f"{files:,} files of 4 KiB, HTTPS to HTTPS" + ("" if verify == "none" else ", Mover reading back"),
            "files/s",
            files,
            ">= 2.0x, CPU <= 0.6x" if verify == "none" else "",
            {
                "mover": [bench.mover("copy", "dav:small", "dav2:small", "--verify", verify)],
                **bench.rclones(
                    "copy",
                    "dav:small",
                    "dav2:small",
                    *TUNED,
                    *NO_CHECK,
                    latest_only=PACER,
                    certificate=certificate,
                ),
            },
            forgetting(bench, other / "small"),
        )
    size = int(2_048 * bench.scale) << 20
    planted(folder_of(site) / "big", 1, size)
    words = ("dav:big", "dav2:big")
    rclones = bench.rclones("copy", *words, *TUNED, *NO_CHECK, latest_only=PACER, certificate=certificate)
    one = {"mover": [bench.mover("copy", *words, "--verify", "none")]}
    yield Contest(
        f"one file of {size >> 20:,} MiB, HTTPS to HTTPS",
        "MB/s",
        size / 1e6,
        ">= 0.85x",
        {**one, **rclones},
        forgetting(bench, other / "big"),
    )
    spool = bench.work / "crypt"
    with bench.configuration.open("a") as file:
        obscured = subprocess.run(
            [RCLONES[0], "obscure", "spool"], check=True, capture_output=True, text=True
        ).stdout.strip()
        file.write(f"[spool]\ntype = crypt\nremote = {spool}\npassword = {obscured}\n\n")
    first = bench.rclones("copy", "dav:big", "spool:big", *TUNED, *NO_CHECK, latest_only=PACER, certificate=certificate)
    then = bench.rclones("copy", "spool:big", "dav2:big", *TUNED, *NO_CHECK, latest_only=PACER, certificate=certificate)
    equal = {f"{name}, crypt spool": first[name] + then[name] for name in first}
    yield Contest(
        f"one file of {size >> 20:,} MiB, rclone through an encrypted spool too",
        "MB/s",
        size / 1e6,
        ">= 3x",
        {**one, **equal},
        forgetting(bench, other / "big", spool),
    )


def sftp_contests(bench: Bench) -> Iterator[Contest]:
    """OpenSSH to an S3 server."""
    sftp, s3 = bench.site("openssh"), bench.site("rclone_s3")
    files = int(2_000 * bench.scale)
    planted(folder_of(sftp) / "small", files, 4_096)
    bench.connect("sftp", sftp)
    bench.connect("s3", s3)
    certificate = str(s3.options["ca_file"])
    target = f"s3:{s3.rclone_path}/small"
    yield Contest(
        f"{files:,} files of 4 KiB, SFTP to S3, Mover proving each by its digest",
        "files/s",
        files,
        ">= 1.2x",
        {
            "mover": [bench.mover("copy", "sftp:small", "s3:small")],
            **bench.rclones(
                "copy",
                f"sftp:{sftp.rclone_path}/small".replace(":/", ":/"),
                target,
                *TUNED,
                *NO_CHECK,
                *S3,
                *SFTP,
                latest_only=UNSIGNED,
                certificate=certificate,
            ),
        },
        forgetting(bench, folder_of(s3) / "small"),
    )


def listing_contests(bench: Bench) -> Iterator[Contest]:
    """Buckets that are nothing but their listing."""
    from tests.sites.s3_listing import bucket_of

    for count, words in ((int(100_000 * bench.scale), "again"), (int(1_000_000 * bench.scale), "list")):
        folder = bench.work / f"listing-{words}"
        folder.mkdir()
        for name in (f"{words}A", f"{words}B"):  # two stores of equal content: a copy into itself is refused
            site = bench.stack.enter_context(bucket_of(count, folder))
            bench.connect(name, site, section=s3_section(site))
        certificate = str(site.options["ca_file"])
        if words == "list":
            yield Contest(
                f"listing {count:,} objects",
                "objects/s",
                count,
                ">= 3x",
                {
                    "mover": [bench.mover("ls", "listA:", "--recursive", "--total")],
                    **bench.rclones("size", "listA:bucket", "--fast-list", certificate=certificate),
                },
            )
        else:
            yield Contest(
                f"a second pass over {count:,} unchanged objects",
                "objects/s",
                count,
                ">= 3x",
                {
                    "mover": [bench.mover("copy", "againA:", "againB:")],
                    **bench.rclones(
                        "copy",
                        "againA:bucket",
                        "againB:bucket",
                        "--fast-list",
                        "--checksum",
                        *TUNED,
                        certificate=certificate,
                    ),
                },
                forgetting(bench),
            )


def s3_section(site: Site) -> dict[str, str]:
    """The same store for rclone."""
    return {
        "type": "s3",
        "provider": "Other",
        "endpoint": str(site.options["endpoint"]),
        "access_key_id": "key",
        "secret_access_key": str(site.options["secret_access_key"]),
        "list_version": "2",
    }


def planted(folder: Path, files: int, size: int) -> None:
    """Random files."""
    folder.mkdir(parents=True)
    for number in range(files):
        with (folder / f"{number:05}").open("wb") as file:
            for _ in range(0, size, 1 << 20):
                file.write(os.urandom(min(size, 1 << 20)))


def folder_of(site: Site) -> Path:
    """Where a site's files lie on this disk."""
    if site.folder is None:
        raise ValueError("the site has no folder on this disk")
    return site.folder


CONTESTS: Final = {"http": http_contests, "sftp": sftp_contests, "listing": listing_contests}


@contextmanager
def bench_of(scale: float) -> Iterator[Bench]:
    """A bench in a folder of its own, in memory if there is room."""
    home = MEMORY if os.access(MEMORY, os.W_OK) else None
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mover-bench-", dir=home)))
        work.chmod(0o755)
        yield Bench(work, stack, scale)


def main() -> None:
    """Measure, print, and on request write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the full amounts, for a quick look")
    parser.add_argument("--only", choices=CONTESTS, action="append")
    parser.add_argument(
        "--latest", action="store_true", help="leave out Debian's rclone, whose WebDAV is held to 30 files a second"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    said = parser.parse_args()
    rows: list[Row] = []
    with bench_of(said.scale) as bench:
        bench.programs = RCLONES[:1] if said.latest else RCLONES
        for name in said.only or CONTESTS:
            for contest in CONTESTS[name](bench):
                rows.append(bench.run(contest, said.rounds))
                print(table(rows[-1:]), flush=True)
    print(table(rows))
    if said.write:
        (ROOT / "docs" / "performance.md").write_text(page(rows, said.rounds, latest=said.latest))


if __name__ == "__main__":
    main()
