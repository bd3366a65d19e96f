"""What the tests of the embedded server share: a made folder to copy, a session of SQL, and a Mover in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy.engine import URL

from mover.store.embedded import EmbeddedPostgres

ROOT: Final = os.geteuid() == 0
QUICK: Final[dict[str, str]] = {"shared_buffers": "32MB"}


def copied(made: Path, place: Path) -> Path:
    """A copy of a folder that was made before, with its owners: quicker than to make it anew."""
    subprocess.run(["cp", "-a", str(made), str(place)], check=True)
    return place


def sql(url: URL, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement, on a connection of its own."""
    parts = {"user": url.username, "password": url.password, "dbname": url.database, "host": str(url.query["host"])}
    with psycopg.connect(**parts, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


async def eventually(url: URL, statement: str, seconds: float = 60) -> list[tuple[Any, ...]]:
    """The same, as soon as the server lets us."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return sql(url, statement)
        except psycopg.OperationalError:
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(0.05)


def server_user() -> pwd.struct_passwd:
    """The user as whom the server runs here."""
    if not ROOT:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("mover")
    except KeyError:
        return pwd.getpwnam("nobody")


_MAIN: Final = """
import asyncio, sys
from pathlib import Path
from mover.store.embedded import EmbeddedPostgres
async def main():
    async with EmbeddedPostgres(Path(sys.argv[1]), settings={"shared_buffers": "32MB"}) as server:
        print(server.pid, server.url.render_as_string(hide_password=False), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    print("ended", flush=True)
asyncio.run(main())
"""


@contextmanager
def other_mover(folder: Path, user: str | None = None) -> Generator[subprocess.Popen[str]]:
    """A process that runs the server until it reads a line or is killed. It says the server's pid and address first."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MAIN, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        **({"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


async def until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is true that nobody tells us of."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # another process's doing
            await asyncio.sleep(0.02)


def owner(pid: int) -> int:
    """The user as whom a process runs."""
    return Path(f"/proc/{pid}").stat().st_uid


def moved(folder: Path, place: Path) -> Path:
    """The folder, in another one."""
    return folder.rename(place / folder.name)


async def swept(folder: Path) -> None:
    """End what a killed Mover left, so that no test leaves a server behind."""
    async with EmbeddedPostgres(folder, settings=QUICK):
        pass
    shutil.rmtree(folder)


def gone(pid: int) -> bool:
    """Whether a process is there no more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
