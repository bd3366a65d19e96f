"""Everything may die at any moment, and every run still ends complete: two servers, three runners, one PostgreSQL, three users."""

from __future__ import annotations

import contextlib
import random
import secrets
import time
import urllib.error
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.chaos.crew import Member, Postgres, runner, server
from tests.postgres import public_folder
from tests.service.site_connections import asked
from tests.service.up import Api, mover
from tests.sites.base import Site, free_port

Sites = Callable[[str], Site]

EVERY: Final = 3.0
"""Seconds between two kills."""


@dataclass
class Scene:
    """The service, on processes that can be killed."""

    folder: Path
    postgres: Postgres
    servers: list[Member]
    runners: list[Member]
    addresses: list[str]

    def api(self, key: str) -> Api:
        """A client that goes on with whichever server answers."""
        return Patient(self.addresses[0], self.folder / "service" / "tls" / "authority.pem", key, others=self.addresses)


@dataclass
class Patient(Api):
    """Asks again, and another server, while nobody answers."""

    others: list[str] | None = None

    def must(self, method: str, path: str, body: Any = None) -> Any:
        until = time.monotonic() + 90
        while True:
            try:
                answer = self(method, path, body)
            except (urllib.error.URLError, OSError):
                answer = None
            if answer is not None and answer.status < 500:
                assert answer.status < 400, (method, path, answer)
                return answer.json
            assert time.monotonic() < until, (method, path, answer)
            self.address = random.choice(self.others or [self.address])
            time.sleep(0.5)


@contextmanager
def scene() -> Generator[Scene]:
    with public_folder() as folder, ExitStack() as stack:
        postgres = Postgres(folder / "database")
        postgres.start()
        stack.callback(postgres.end)
        url = folder / "url"
        url.write_text(postgres.url)
        url.chmod(0o600)
        ports = [free_port(), free_port()]
        servers = [server(folder / "service", url, port, f"server-{n}") for n, port in enumerate(ports)]
        for member in servers:
            member.start()
            stack.callback(member.end)
            _wait_for(folder / "service" / "first-key", member.log)
        (folder / "trusted").mkdir()
        found = Scene(folder, postgres, servers, [], [f"https://localhost:{port}" for port in ports])
        admin = found.api((folder / "service" / "first-key").read_text().strip())
        for n in range(3):
            token = admin.must("POST", "/runners/tokens", {})["token"]
            home, authority = folder / f"runner-{n}", folder / "service" / "tls" / "authority.pem"
            words = (
                "--server",
                found.addresses[n % 2],
                "--ca-file",
                authority,
                "--folder",
                home,
                "--name",
                f"runner-{n}",
            )
            mover("runner", "enroll", *words, text=token)
            member = runner(home, f"runner-{n}")
            member.start()
            stack.callback(member.end)
            found.runners.append(member)
        yield found


def _wait_for(file: Path, log: Path) -> None:
    until = time.monotonic() + 60
    while not (file.exists() and "the first API key" in log.read_text()):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.2)


def planted(folder: Path, files: int, chance: random.Random) -> dict[str, bytes]:
    """Real bytes of many sizes, a large one among them."""
    found: dict[str, bytes] = {}
    for n in range(files):
        size = (9 << 20) if n == 0 else chance.choice((0, 1, 700, 4000, 30_000))
        name = f"a {n // 90}/b {n % 7}/file {n}"
        found[name] = chance.randbytes(size)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(found[name])
    return found


def held(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "/.DAV/" not in str(p)
    }


def killed_until(found: Scene, done: Callable[[], bool], seconds: float, chance: random.Random) -> None:
    """Kill one process after the other for so long; then let them be until all is done."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        victim: Any = chance.choice([*found.servers, *found.runners, found.postgres])
        victim.kill()
        time.sleep(EVERY * chance.random())
        if isinstance(victim, Member):
            victim.start()
        for member in (*found.servers, *found.runners):
            member.revive()
        time.sleep(EVERY * chance.random())
    limit = time.monotonic() + 240
    while not done():
        assert time.monotonic() < limit, "the runs do not come to their end"
        for member in (*found.servers, *found.runners):
            member.revive()
        time.sleep(1)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("files", "seconds"),
    [pytest.param(250, 40, id="short"), pytest.param(5000, 300, id="long", marks=pytest.mark.slow)],
)
def test_every_run_ends_complete_whatever_dies(site: Sites, files: int, seconds: float) -> None:
    chance = random.Random(f"{files}")
    sftp, s3, dav = site("openssh"), site("rclone_s3"), site("apache_dav")
    plan = [("ada", sftp, s3), ("ada", sftp, dav), ("bob", s3, sftp), ("eve", dav, s3)]
    there: list[tuple[str, dict[str, bytes]]] = [(secrets.token_hex(4), {}) for _ in plan]
    for number, (_, source, _) in enumerate(plan):  # before anybody asks the servers: rclone's remembers what it listed
        assert source.folder is not None
        there[number] = there[number][0], planted(source.folder / f"from {there[number][0]}", files, chance)
    with scene() as found:
        keys: dict[str, Api] = {}
        admin = found.api((found.folder / "service" / "first-key").read_text().strip())
        for name in ("ada", "bob", "eve"):
            admin.must("POST", "/accounts", {"name": name, "role": "manager"})
            made = mover(
                "user", "key", name, "--folder", found.folder / "service", "--database-url-file", found.folder / "url"
            )
            keys[name] = found.api(made.stdout.strip().splitlines()[-1])
        runs: list[tuple[Api, int, dict[str, bytes], Path]] = []
        for number, (name, source, destination) in enumerate(plan):
            mark, content = there[number]
            assert destination.folder is not None
            api = keys[name]
            trusted = found.folder / "trusted"
            ends = [
                api.must("POST", "/connections", asked(source, f"source {number}", trusted))["id"],
                api.must("POST", "/connections", asked(destination, f"destination {number}", trusted))["id"],
            ]
            pairs = [{"source": f"from {mark}", "destination": f"to {mark}"}]
            wanted = {"name": f"migration {number}", "source": ends[0], "destination": ends[1], "pairs": pairs}
            migration = api.must("POST", "/migrations", wanted)["id"]
            run = api.must("POST", f"/migrations/{migration}/runs", {})["id"]
            runs.append((api, run, content, destination.folder / f"to {mark}"))

        def done() -> bool:
            for api, run, _, _ in runs:
                standing = api.must("GET", f"/runs/{run}")
                if (
                    standing["state"] == "paused"
                ):  # a site was away for longer than patience lasts; a person goes on with it
                    with contextlib.suppress(AssertionError):
                        api.must("POST", f"/runs/{run}/resume")
                if standing["state"] not in {"done", "failed", "stopped"}:
                    return False
            return True

        killed_until(found, done, seconds, chance)
        kills = {member.name: member.kills for member in [*found.servers, *found.runners]} | {
            "postgres": found.postgres.kills
        }
        assert sum(kills.values()) >= seconds / (EVERY * 2), kills
        for api, run, content, folder in runs:
            standing = api.must("GET", f"/runs/{run}")
            assert standing["state"] == "done", f"{standing} {kills}"
            counts = {state: count["items"] for state, count in standing["counts"].items()}
            assert sum(counts.values()) == len(content) == standing["found"], f"{standing} {kills}"
            assert set(counts) <= {"copied", "same"}, (counts, kills)
            assert held(folder) == content
        for member in found.runners:
            member.end()
            spool = found.folder / member.name / "spool"
            assert [p for p in spool.rglob("*") if p.is_file() and p.stat().st_size and p.name != "lock"] == []
