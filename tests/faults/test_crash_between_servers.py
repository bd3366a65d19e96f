"""The machine stops while it copies from an SFTP server to an S3 store; the same run goes on, inside a large file too."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.faults.oracle import planted
from tests.sites.base import Site
from tests.witness.moving import local, move, place
from tests.witness.trees import files_of

from mover.core.states import State
from mover.engine.local_journal import LocalJournal

VICTIM = Path(__file__).with_name("victim.py")
LARGE = 64 << 20
FIRST = {"here first": b"x"}
Sites = Callable[[str], Site]


@dataclass
class Scene:
    """A run between two sites, told to a process that may be killed."""

    source: Site
    destination: Site
    folder: str
    home: Path

    def start(self) -> subprocess.Popen[bytes]:
        """Begin, or go on."""
        self.home.mkdir(exist_ok=True)
        ends = {"source": self.source, "destination": self.destination}
        told = {
            name: {"connector": site.connector, "options": dict(site.options), "path": self.folder}
            for name, site in ends.items()
        }
        description = self.home / "description.json"
        description.touch(mode=0o600)
        description.write_text(json.dumps(told))
        return subprocess.Popen([sys.executable, VICTIM, description, self.home], stdout=subprocess.PIPE)

    def finish(self) -> dict[str, Any]:
        """Go on to the end; what the process said."""
        out, _ = self.start().communicate(timeout=240)
        said = json.loads(out)
        assert said["state"] == "done", said
        return said

    def killed(self, seconds: float) -> bool:
        """Begin or go on, and kill it after so long; returns whether it was still at work."""
        process = self.start()
        time.sleep(seconds)
        process.kill()
        out, _ = process.communicate(timeout=60)
        return b"done" not in out

    def uploads(self) -> list[tuple[str, int]]:
        """Uploads that the journal knows, with how many parts are confirmed."""
        with LocalJournal.open(self.home / "journal", seal=str.encode, unseal=bytes.decode) as journal:
            return [(path, len(upload.parts)) for (path, _), upload in journal._uploads()]


@pytest.fixture(params=["rclone_s3", "moto"])
async def scene(request: pytest.FixtureRequest, site: Sites, tmp_path: Path) -> Scene:
    return await scene_at(site("openssh"), site(request.param), tmp_path / "home")


async def scene_at(source: Site, destination: Site, home: Path) -> Scene:
    """A scene in a folder of its own. `rclone serve s3` forgets a folder in which nothing lies, so something does until the end."""
    scene = Scene(source, destination, f"crash {secrets.token_hex(4)}", home)
    first = home.with_name("first")
    first.mkdir()
    (first / "here first").write_bytes(FIRST["here first"])
    assert (await move(local(first), place(destination, scene.folder), home.with_name("first home"))).not_done() == {}
    return scene


async def equal_at(scene: Scene, content: dict[str, bytes], tmp_path: Path) -> None:
    """Everything at the destination, read back by Mover, is what was planted; the journal counts every item once; the spool is empty."""
    back = tmp_path / "back"
    read = await move(place(scene.destination, scene.folder), local(back), tmp_path / "back home")
    assert read.not_done() == {}
    assert {path: file.read_bytes() for path, file in files_of(back).items()} == content | FIRST
    with LocalJournal.open(scene.home / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        assert journal.counts() == {State.COPIED: (len(content), sum(map(len, content.values())))}
    assert not files_of(scene.home / "spool")
    assert scene.uploads() == []


async def killed_and_finished(scene: Scene, tmp_path: Path, kills: int, seed: int, files: int) -> None:
    assert scene.source.folder is not None
    content = planted(scene.source.folder / scene.folder, seed, files=files)
    chance = random.Random(seed)
    happened = 0
    while happened < kills and scene.killed(0.6 + chance.random() * 1.4):
        happened += 1
    scene.finish()
    assert happened, "the run was over before it could be killed once"
    await equal_at(scene, content, tmp_path)


@pytest.mark.anyio
async def test_a_run_killed_at_random_moments_goes_on(scene: Scene, tmp_path: Path) -> None:
    await killed_and_finished(scene, tmp_path, kills=5, seed=21, files=900)


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_runs_killed_a_hundred_times_go_on(scene: Scene, tmp_path: Path) -> None:
    for round_ in range(10):
        own = tmp_path / str(round_)
        own.mkdir()
        again = await scene_at(scene.source, scene.destination, own / "home")
        await killed_and_finished(again, own, kills=10, seed=100 + round_, files=2_500)


def large_file(scene: Scene, seed: int) -> dict[str, bytes]:
    assert scene.source.folder is not None
    data = random.Random(seed).randbytes(LARGE)
    folder = scene.source.folder / scene.folder
    folder.mkdir(exist_ok=True)
    (folder / "large").write_bytes(data)
    return {"large": data}


def kill_inside(scene: Scene) -> int:
    """Kill the run once some parts of its one file are confirmed; how many they were."""
    process = scene.start()
    journal = scene.home / "journal"
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.02)
        if journal.exists() and any(parts >= 2 for _, parts in scene.uploads()):
            break
    process.kill()
    process.communicate(timeout=60)
    ((_, parts),) = scene.uploads()
    return parts


@pytest.mark.anyio
async def test_a_run_goes_on_inside_a_large_file(scene: Scene, tmp_path: Path) -> None:
    content = large_file(scene, 31)
    parts = kill_inside(scene)
    assert parts >= 2
    said = scene.finish()
    assert said["bytes"] <= LARGE - (8 << 20), "the whole file was read again"
    await equal_at(scene, content, tmp_path)


@pytest.mark.anyio
async def test_a_file_that_changed_meanwhile_begins_anew(scene: Scene, tmp_path: Path) -> None:
    large_file(scene, 32)
    assert kill_inside(scene) >= 2
    content = large_file(scene, 33)
    said = scene.finish()
    assert said["bytes"] >= LARGE
    await equal_at(scene, content, tmp_path)
