"""The whole service by one command: two users, a real migration, its runner killed in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.postgres import public_folder
from tests.service.up import Api, Service, up

FILES = 600


@pytest.fixture(scope="module")
def service() -> Generator[Service]:
    with public_folder() as folder, up(folder / "service") as running:
        yield running
    assert running.process.returncode == 0, running.told


def tree(folder: Path, files: int, size: int = 3000) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for n in range(files):
        name = f"folder {n // 40}/file {n}"
        found[name] = os.urandom(n % size)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(found[name])
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def migration(api: Api, folder: Path) -> int:
    ends: list[int] = []
    for name in ("source", "destination"):
        (folder / name).mkdir(exist_ok=True)
        asked = {"name": f"{name} {folder.name}", "connector": "local", "options": {"path": str(folder / name)}}
        ends.append(api.must("POST", "/connections", asked)["id"])
    asked = {"name": folder.name, "source": ends[0], "destination": ends[1], "pairs": [{}]}
    return api.must("POST", "/migrations", asked)["id"]


def test_a_migration_ends_complete_though_its_runner_is_killed(service: Service, tmp_path: Path) -> None:
    ada = service.user("ada")
    (tmp_path / "source").mkdir()
    files = tree(tmp_path / "source", FILES)
    run = ada.must("POST", f"/migrations/{migration(ada, tmp_path)}/runs", {})["id"]
    killed = False
    until = time.monotonic() + 120
    while (found := ada.must("GET", f"/runs/{run}"))["state"] == "running" and time.monotonic() < until:
        if not killed and found["counts"].get("copied", {"items": 0})["items"] > 0:
            os.kill(service.runner_pid(), signal.SIGKILL)
            killed = True
        time.sleep(0.1)
    assert (found["state"], killed) == ("done", True), found
    assert found["counts"] == {"copied": {"items": FILES, "bytes": sum(map(len, files.values()))}}
    assert contents(tmp_path / "destination") == files
    items = ada.every(f"/runs/{run}/items")
    assert sorted(item["path"] for item in items) == sorted(files)
    assert {item["state"] for item in items} == {"copied"}


def test_another_user_sees_nothing_of_it(service: Service, tmp_path: Path) -> None:
    eve, bob = service.user("eve"), service.user("bob")
    number = migration(bob, tmp_path)
    run = bob.must("POST", f"/migrations/{number}/runs", {"dry_run": True})["id"]
    connection = bob.must("GET", "/connections")["rows"][0]["id"]
    for method, path in (
        ("GET", f"/migrations/{number}"),
        ("POST", f"/migrations/{number}/runs"),
        ("GET", f"/migrations/{number}/pairs"),
        ("GET", f"/runs/{run}"),
        ("GET", f"/runs/{run}/items"),
        ("POST", f"/runs/{run}/stop"),
        ("GET", f"/connections/{connection}"),
        ("DELETE", f"/connections/{connection}"),
    ):
        answer = eve(method, path, {} if method == "POST" else None)
        assert (answer.status, answer.json["code"]) == (404, "unknown"), (method, path, answer)
    for path in ("/connections", "/migrations"):
        assert eve.must("GET", path)["rows"] == []
    for method, path in (("GET", "/accounts"), ("POST", "/runners/tokens"), ("GET", "/runners")):
        answer = eve(method, path, {} if method == "POST" else None)
        assert (answer.status, answer.json["code"]) == (403, "not-allowed"), (method, path, answer)
    assert bob.rest(run)["state"] == "done"


@pytest.mark.parametrize("key", [None, "", "mvk_" + "x" * 46, "nonsense"])
def test_without_a_key_nothing_is_answered(service: Service, key: str | None) -> None:
    nobody = Api(service.address, service.authority, key)
    answer = nobody("GET", "/connections")
    assert (answer.status, answer.json["code"]) == (401, "not-signed-in")
    assert answer.headers["www-authenticate"] == 'Bearer realm="mover"'
