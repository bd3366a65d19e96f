"""The demo: some thousand real files from a real SFTP server into a real S3 server, then a crash in the middle of a second run.

Everything happens on this machine, below a folder that is removed at the end: the servers are the ones the tests use, the files are
copies of Python's own libraries and of those in the virtual environment.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

from demo_service import service
from with_sites import MOVER, SITES, Missing, Site, add_connection, environment, load_sites, mover

FILES = 3_000
LARGEST = 2_000_000
"""Bytes."""
KILL_AFTER = 0.35
"""The share of the second run's files that have arrived when it is killed."""


def main() -> int:
    """Run the demo; the exit code says whether all of it was true."""
    load_sites()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mover-demo-")))
        work.chmod(0o755)
        home = work / "home"
        sftp = started(stack, work, "openssh", "asyncssh_server")
        s3 = started(stack, work, "rclone_s3", "moto")
        count = plant(sftp)
        say(
            f"{count:,} real files stand on an SFTP server; an S3 server has an empty bucket. Both run on this machine, encrypted."
        )
        add_connection(home, "office", sftp)
        add_connection(home, "archive", s3)
        step(home, "connection", "list")
        step(home, "copy", "office:library", "archive:first", "-P")
        step(home, "run", "report", "1")
        say("Now a second run, and the power goes in the middle of it.")
        before = crash(home, count * KILL_AFTER)
        step(home, "run", "list")
        say(f"{before:,} of {count:,} files were proved when it was killed. The same command copies the others:")
        step(home, "copy", "office:library", "archive:second", "-P")
        step(home, "run", "report", "2")
        say("Are both copies what the SFTP server has? Every file is read again on both sides.")
        step(home, "check", "office:library", "archive:second")
        say("The same for many users: the service, on this machine, over TLS, with a database and a runner of its own.")
        service(work / "service", sftp, s3, say)
        say("That was it. The files and servers of this demo are gone; .venv and .servers stay, for the next time.")
    return 0


def started(stack: ExitStack, work: Path, *names: str) -> Site:
    """The first of these sites that this machine can have."""
    for name in names:
        folder = work / name
        folder.mkdir()
        folder.chmod(0o755)
        try:
            return stack.enter_context(SITES[name](folder))
        except Missing as missing:
            say(f"({missing}; using the next best.)")
    raise SystemExit("no server could be started; `make servers` says what is missing")


def plant(site: Site) -> int:
    """Copy some thousand real files to where the SFTP server finds them."""
    if site.folder is None:
        raise SystemExit("the SFTP server has no folder on this disk")
    target = site.folder / "library"
    libraries = [Path(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib")]
    found = ((file, library) for library in libraries for file in sorted(library.rglob("*")))
    usual = (
        (file, file.relative_to(library))
        for file, library in found
        if file.is_file() and not file.is_symlink() and file.stat().st_size < LARGEST
    )
    taken = list(islice(usual, FILES))
    for file, path in taken:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target / path)
    return len({path for _, path in taken})


def say(text: str) -> None:
    """Tell the person who watches."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def step(home: Path, *words: str) -> None:
    """Show a command, and run it."""
    say(f"$ mover {' '.join(words)}")
    mover(home, *words)


def crash(home: Path, arrived: float) -> int:
    """Begin the second copy, and kill it without warning when so many of its files have arrived; how many they were in the end."""
    say("$ mover copy office:library archive:second -P     # kill -9 follows")
    process = subprocess.Popen([MOVER, "copy", "office:library", "archive:second", "-P"], env=environment(home))
    journal = home / "runs" / "2" / "journal.sqlite"
    while process.poll() is None and copied(journal) < arrived:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit("the second run was done before it could be killed")
    return copied(journal)


def copied(journal: Path) -> int:
    """How many files a run has copied so far, as its journal says."""
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM item WHERE state = 'copied'").fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # the run is only just making it


if __name__ == "__main__":
    sys.exit(main())
