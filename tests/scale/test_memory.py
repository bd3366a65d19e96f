"""Peak memory stays flat while the tree grows from 10^4 to 10^6 items, and while one file grows from 1 MiB to 4 GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.sites.base import Site
from tests.sites.s3_listing import bucket_of

CHILD = Path(__file__).with_name("measured.py")
FLAT = 1.3
"""How much more the large one may need than the small one."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def measured(
    home: Path, source: Mapping[str, object], destination: Mapping[str, object], *, dry_run: bool
) -> dict[str, int]:
    """One run in a process of its own: what it found and copied, and its peak of memory in bytes."""
    home.mkdir()
    told = home / "told.json"
    told.touch(mode=0o600)
    told.write_text(json.dumps({"source": source, "destination": destination, "dry_run": dry_run}))
    done = subprocess.run(
        [sys.executable, CHILD, told, home], capture_output=True, text=True, check=False, timeout=1_700
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout)


def end(site: Site) -> dict[str, object]:
    return {"connector": site.connector, "options": dict(site.options), "path": ""}


def folder(path: Path) -> dict[str, object]:
    return {"connector": "local", "options": {"path": str(path.parent)}, "path": path.name}


def listed(tmp_path: Path, count: int) -> dict[str, int]:
    """A dry run between two listings of so many objects that are all the same."""
    own = tmp_path / str(count)
    own.mkdir()
    (own / "a").mkdir()
    (own / "b").mkdir()
    with bucket_of(count, own / "a") as one, bucket_of(count, own / "b") as other:
        result = measured(own / "home", end(one), end(other), dry_run=True)
    assert result["found"] == result["same"] == count
    return result


def planned(tmp_path: Path, count: int) -> dict[str, int]:
    """A dry run from a listing of so many objects to an empty folder: every one is planned."""
    own = tmp_path / str(count)
    own.mkdir()
    (own / "a").mkdir()
    with bucket_of(count, own / "a") as one:
        result = measured(own / "home", end(one), folder(own / "empty"), dry_run=True)
    assert result["found"] == result["planned"] == count
    return result


def copied(tmp_path: Path, size: int) -> dict[str, int]:
    """A sparse file of `size` bytes is copied from one folder to another."""
    own = tmp_path / str(size)
    (own / "source").mkdir(parents=True)
    with (own / "source" / "file").open("wb") as file:
        file.truncate(size)
    result = measured(own / "home", folder(own / "source"), folder(own / "there"), dry_run=False)
    assert result["copied"] == 1
    assert (own / "there" / "file").stat().st_size == size
    (own / "there" / "file").unlink()
    return result


def test_memory_is_flat_while_two_equal_listings_grow(tmp_path: Path) -> None:
    small, large = listed(tmp_path, 10_000), listed(tmp_path, 1_000_000)
    assert large["peak"] <= FLAT * small["peak"], (small, large)


def test_memory_is_flat_while_a_plan_grows(tmp_path: Path) -> None:
    small, large = planned(tmp_path, 10_000), planned(tmp_path, 1_000_000)
    assert large["peak"] <= FLAT * small["peak"], (small, large)


def test_memory_is_flat_while_a_file_grows(tmp_path: Path) -> None:
    """What the first MiBs add is the window in the spool and the stripes on their way; neither grows with the file."""
    tiny, middle, large = (copied(tmp_path, size) for size in (1 << 20, 256 << 20, 4 << 30))
    assert large["peak"] <= FLAT * middle["peak"], (tiny, middle, large)
    assert large["peak"] <= tiny["peak"] + (160 << 20), (tiny, middle, large)
