"""`mover runner start` and `mover runner status`: a real runner of a real service, confined."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import public_folder
from tests.runner.children import ROOT
from tests.runner.kernels import offered_here
from tests.service.site_connections import asked
from tests.service.up import Service, environment, mover, up
from tests.sites.base import Site

FULLY = set(offered_here().values()) == {"yes"}
OWN = ("new files", "open files", "privileges", "memory", "new rights")
FILES = {f"folder {n % 3}/file {n}": os.urandom(n * 700) for n in range(60)} | {"large": os.urandom(9 << 20)}


@pytest.fixture(scope="module")
def service() -> Generator[Service]:
    """A service that lets connections name files, without a runner of its own."""
    with public_folder() as folder, up(folder / "service", "--no-runner") as running:
        yield running


def enrolled(service: Service, folder: Path) -> Path:
    """A folder in which a runner of the service was enrolled."""
    token = service.admin.must("POST", "/runners/tokens", {})["token"]
    words = ("--server", service.address, "--ca-file", service.authority, "--folder", folder)
    mover("runner", "enroll", *words, text=token)
    return folder


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "mover", "runner", *map(str, words)]


@contextmanager
def started(folder: Path, *words: object, code: int = 0) -> Generator[subprocess.Popen[str]]:
    """A runner at work; at the end of the block it must end with the code."""
    begun = subprocess.Popen(
        command("start", "--folder", folder, *words), stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        until = time.monotonic() + 60
        while not ((told := status(folder)) and told["running"]):
            assert begun.poll() is None, begun.stderr and begun.stderr.read()
            assert time.monotonic() < until, told
            time.sleep(0.2)
        yield begun
        begun.send_signal(signal.SIGTERM)
        assert begun.wait(40) == code, begun.stderr and begun.stderr.read()
    finally:
        begun.kill()
        begun.wait()
        assert begun.stderr is not None
        begun.stderr.close()


def ended(*words: object) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=60, env=environment(), check=False)


def status(folder: Path) -> dict[str, Any] | None:
    """What `mover runner status` says, in JSON; `None` before the first start."""
    done = ended("status", "--folder", folder, "--format", "json")
    return json.loads(done.stdout) if done.stdout else None


def holds(told: dict[str, Any] | None) -> dict[str, str]:
    assert told is not None
    return {row["measure"]: row["holds"] for row in told["measures"]}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_migration_by_a_confined_runner(service: Service, site: Callable[[str], Site]) -> None:
    sftp, s3 = site("openssh"), site("rclone_s3")
    ada = service.user("ada")
    with public_folder() as folder:
        (folder / "trusted").mkdir()
        assert sftp.folder is not None and s3.folder is not None
        place = f"confined runner {os.getpid()}"
        for name, data in FILES.items():
            (sftp.folder / place / name).parent.mkdir(parents=True, exist_ok=True)
            (sftp.folder / place / name).write_bytes(data)
        ends = [ada.must("POST", "/connections", asked(s, s.connector, folder / "trusted"))["id"] for s in (sftp, s3)]
        pair = {"source": place, "destination": place}
        what = {"name": "confined", "source": ends[0], "destination": ends[1], "pairs": [pair]}
        migration = ada.must("POST", "/migrations", what)["id"]
        runner = enrolled(service, folder / "runner")
        hardening = ["--require-hardening"] if FULLY else []
        with started(runner, "--local-path", folder / "trusted", *hardening) as process:
            run = ada.must("POST", f"/migrations/{migration}/runs", {})["id"]
            _listens_to_nobody(process.pid)
            found = ada.rest(run)
            _listens_to_nobody(process.pid)
            told = status(runner)
        assert found["state"] == "done", found
        assert told is not None and told["started"] <= told["last contact"], "it says when it heard from its server"
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", told["last contact"])
        assert contents(s3.folder / place) == FILES
        assert contents(runner / "spool") == {}


def _listens_to_nobody(process: int) -> None:
    """The process itself holds no socket that waits for a call; seen by `ss`, which as a plain user sees less."""
    shown = subprocess.run(["ss", "-Hltunxp"], capture_output=True, text=True, check=True).stdout
    assert [line for line in shown.splitlines() if f"pid={process}," in line] == []
    if ROOT:
        connected = subprocess.run(["ss", "-Htnp"], capture_output=True, text=True, check=True).stdout
        assert f"pid={process}," in connected, "ss does see this process"


def test_the_status_of_a_runner(service: Service) -> None:
    with public_folder() as folder:
        runner = enrolled(service, folder / "runner")
        never = ended("status", "--folder", runner)
        assert (never.returncode, never.stdout) == (4, "") and "mover runner start" in never.stderr
        with started(runner) as process:
            told = status(runner)
            assert told is not None and holds(told) == dict.fromkeys(OWN, "yes") | offered_here()
            assert (told["running"], told["process"], told["server"]) == (True, str(process.pid), service.address)
            shown = ended("status", "--folder", runner)
            assert shown.returncode == 0 and all(name in shown.stdout for name in (*OWN, *offered_here()))
            file = runner / "state" / "status.json"
            assert file.stat().st_mode & 0o777 == 0o600 and (runner / "state").stat().st_mode & 0o777 == 0o700
            if ROOT:
                assert file.stat().st_uid != 0 and (runner / "runner.json").stat().st_uid == 0
        gone = ended("status", "--folder", runner)
        assert gone.returncode == 1 and re.search(r"running +no", gone.stdout)
        with started(runner):
            assert (again := status(runner)) is not None and again["running"]


def test_a_runner_that_was_killed_does_not_run(service: Service) -> None:
    with public_folder() as folder:
        runner = enrolled(service, folder / "runner")
        with started(runner, code=-signal.SIGKILL) as process:
            process.kill()
            process.wait()
            told = status(runner)
        assert told is not None and told["running"] is False


@pytest.mark.parametrize("damage", ["cut", "link", "folder"])
def test_a_status_that_somebody_changed(service: Service, damage: str) -> None:
    with public_folder() as folder:
        (state := folder / "runner" / "state").mkdir(parents=True)
        (folder / "other").write_text("{}")
        file = state / "status.json"
        if damage == "cut":
            file.write_text('{"server": "x"')
        elif damage == "link":
            file.symlink_to(folder / "other")
        else:
            file.mkdir()
        done = ended("status", "--folder", folder / "runner")
    assert done.returncode == 1 and done.stdout == "" and "status.json" in done.stderr
    assert "Traceback" not in done.stderr and "fault in Mover" not in done.stderr


def test_hardening_that_is_required_and_does_not_hold(service: Service) -> None:
    with public_folder() as folder:
        runner = enrolled(service, folder / "runner")
        done = ended("start", "--folder", runner, "--require-hardening", "--local-paths")
    assert done.returncode == 5
    assert "files (local paths are allowed)" in done.stderr and "docs/runners.md" in done.stderr


def test_local_paths_leave_files_as_they_were(service: Service) -> None:
    with public_folder() as folder:
        runner = enrolled(service, folder / "runner")
        with started(runner):
            confined = holds(status(runner))
        with started(runner, "--local-paths"):
            found = holds(status(runner))
        with started(runner):
            assert holds(status(runner)) == confined, "it may be confined again"
    wanted = dict.fromkeys(OWN, "yes") | offered_here() | {"files": "no"}
    assert found == wanted | ({"privileges": "no"} if ROOT else {})


@pytest.mark.skipif(not ROOT, reason="only root can lose root")
def test_root_stays_where_its_user_could_not_work(service: Service) -> None:
    with public_folder() as folder:
        (closed := folder / "closed").mkdir(mode=0o700)
        runner = enrolled(service, closed / "runner")
        with started(runner):
            told = status(runner)
        refused = ended("start", "--folder", runner, "--require-hardening")
    assert told is not None and holds(told)["privileges"] == "no"
    (why,) = [row["why"] for row in told["measures"] if row["measure"] == "privileges"]
    assert str(closed) in why and "/var/lib/mover" in why
    assert refused.returncode == 5 and str(closed) in refused.stderr


def test_the_runner_that_comes_with_the_service_is_confined() -> None:
    """Twice: the second time it finds the folder as its user left it, and the service at another port."""
    with public_folder() as folder:
        for _ in range(2):
            with up(folder / "service", local_paths=False) as service:
                runner = folder / "service" / "runner"
                until = time.monotonic() + 60
                while (told := status(runner)) is None or told["server"] != service.address:
                    assert time.monotonic() < until, (told, service.told)
                    time.sleep(0.2)
                assert holds(told) == dict.fromkeys(OWN, "yes") | offered_here()
            assert service.process.returncode == 0, service.told


def test_doctor_tells_what_this_kernel_offers() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "mover", "doctor", "--format", "json"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    rows = {row["what"]: row for row in json.loads(shown.stdout)}
    for name, holds in offered_here().items():
        row = rows[f"runner: {name}"]
        assert (row["verdict"], bool(row["advice"])) == (("fine", False) if holds == "yes" else ("note", True))
