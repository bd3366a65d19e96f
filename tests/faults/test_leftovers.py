"""A process is killed while it writes to a destination where half a file can be seen; the same run goes on and leaves nothing of it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.sites.base import Site
from tests.witness.trees import files_of

from mover.core.states import State
from mover.core.temporary import is_temporary, mark_of, mark_of_pass, temporary_name
from mover.engine.local_journal import LocalJournal

VICTIM = Path(__file__).with_name("victim.py")
SLOW = {"bytes_per_second": 4 << 20}
STREAMED = 14 << 20
"""Bytes of a file that every one of the sites gets in one go."""

SMALL = 1_000
"""Bytes of a file that is written in no time."""

FILES = ["local", "openssh", "vsftpd", "proftpd", "rclone_webdav", "wsgidav_server"]
"""Sites that show files that are not whole yet."""

IN_PARTS = {"local": 30 << 20, "openssh": 66 << 20, "vsftpd": 66 << 20}
"""Sites that go on inside a file, and a size from which they do."""

Sites = Callable[[str], Site]


@dataclass
class Scene:
    """A copy of a local folder to a new folder of a site, in a process that may be killed."""

    site: Site
    home: Path
    content: dict[str, bytes] = field(default_factory=dict)

    @property
    def destination(self) -> Path:
        assert self.site.folder is not None
        return self.site.folder / self.home.parent.name

    def plant(self, path: str, size: int) -> None:
        """Put a file into the source."""
        self.content[path] = random.Random(path).randbytes(size)
        file = self.home / "source" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.content[path])

    def start(self, **more: object) -> subprocess.Popen[bytes]:
        ends = {
            "source": {"connector": "local", "options": {"path": str(self.home)}, "path": "source"},
            "destination": {
                "connector": self.site.connector,
                "options": dict(self.site.options),
                "path": self.destination.name,
            },
        }
        description = self.home / "description.json"
        description.touch(mode=0o600)
        description.write_text(json.dumps({**ends, **more}))
        return subprocess.Popen([sys.executable, VICTIM, description, self.home], stdout=subprocess.PIPE)

    def killed_when(self, happens: Callable[[], object]) -> None:
        """Begin, slowly, and kill the process as soon as `happens`."""
        process = self.start(settings=SLOW)
        until = time.monotonic() + 60
        while not happens() and time.monotonic() < until and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        out, _ = process.communicate(timeout=60)
        assert happens()
        assert b"done" not in out

    def dies_in(self, method: str) -> None:
        """Begin, and have the process kill itself in a method of the journal."""
        out, _ = self.start(dies=method).communicate(timeout=60)
        assert out == b""

    def finish(self) -> dict[str, Any]:
        """Go on to the end; what the process said."""
        out, _ = self.start().communicate(timeout=120)
        said = json.loads(out)
        assert said["state"] == "done", said
        return said

    def half_written(self) -> list[Path]:
        """The large files below the destination that have no name of their own yet."""
        found = files_of(self.destination).values() if self.destination.exists() else ()
        return [file for file in found if is_temporary(file.name) and _size(file) > SMALL]

    def parts(self) -> int:
        """How many parts the journal knows of one upload."""
        if not (self.home / "journal").exists():
            return 0
        with self._journal() as journal:
            return max((len(upload.parts) for _, upload in journal._uploads()), default=0)

    def counts(self) -> dict[State, int]:
        with self._journal() as journal:
            return {state: number for state, (number, _) in journal.counts().items()}

    def mark(self) -> str:
        with self._journal() as journal:
            return journal.mark()

    def _journal(self) -> Any:
        return LocalJournal.open(self.home / "journal", seal=str.encode, unseal=bytes.decode)

    def must_hold(self, beside: dict[str, bytes] | None = None) -> None:
        """The destination holds what was planted, and `beside`, and nothing else."""
        there = {path: file.read_bytes() for path, file in files_of(self.destination).items()}
        assert set(there) == set(self.content | (beside or {}))
        assert there == self.content | (beside or {})


def _size(file: Path) -> int:
    """Its size in bytes; none if it got its name meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.mark.parametrize("name", FILES)
def test_what_a_killed_process_left_goes_and_nothing_else(site: Sites, name: str, home: Path) -> None:
    scene = Scene(site(name), home)
    scene.plant("sub/streamed", STREAMED)
    scene.plant("sub/small", SMALL)
    scene.killed_when(scene.half_written)
    time.sleep(0.5)  # the server may still be storing what came before the connection broke
    (left,) = scene.half_written()
    mark = scene.mark()
    assert mark_of(left.name) == mark
    beside = {
        f"sub/{temporary_name(mark_of_pass('0' * 16, 1))}": b"another run's",
        f"sub/{temporary_name()}": b"nobody knows whose",
        f"sub/{left.name}.txt": b"a user's",
        f"sub/.mover-{mark}-notes.part": b"a user's",
    }
    for path, data in beside.items():
        (scene.destination / path).write_bytes(data)
    scene.finish()
    assert not left.exists()
    scene.must_hold(beside)
    assert scene.counts() == {State.COPIED: 2}


@pytest.mark.parametrize("name", IN_PARTS)
def test_an_upload_that_the_journal_never_heard_of_goes(site: Sites, name: str, home: Path) -> None:
    scene = Scene(site(name), home)
    scene.plant("large", IN_PARTS[name])
    scene.dies_in("keep_upload")
    (left,) = files_of(scene.destination).values()
    assert mark_of(left.name) == scene.mark()
    scene.finish()
    scene.must_hold()


@pytest.mark.parametrize("name", IN_PARTS)
def test_an_upload_that_the_journal_knows_is_gone_on_with(site: Sites, name: str, home: Path) -> None:
    scene = Scene(site(name), home)
    scene.plant("large", IN_PARTS[name])
    scene.killed_when(lambda: scene.parts() >= 1)
    (left,) = scene.half_written()
    inode = left.stat().st_ino
    said = scene.finish()
    scene.must_hold()
    assert (scene.destination / "large").stat().st_ino == inode
    assert said["bytes"] < IN_PARTS[name]


def test_an_upload_of_a_file_that_is_gone_goes_too(site: Sites, home: Path) -> None:
    scene = Scene(site("local"), home)
    scene.plant("large", IN_PARTS["local"])
    scene.plant("small", SMALL)
    scene.killed_when(lambda: scene.parts() >= 1)
    assert scene.half_written()
    (home / "source" / "large").unlink()
    del scene.content["large"]
    scene.finish()
    scene.must_hold()
    assert scene.parts() == 0
