"""Runs from end to end: batches on the durable queue, leased by runners that use the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.work.service import service

from mover.store.database import Database


def tree(folder: Path, files: int, per_folder: int = 50) -> None:
    for n in range(files):
        place = folder / f"folder-{n // per_folder}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file-{n}").write_bytes(f"content of {n}".encode() * (n % 7))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.anyio
async def test_a_run_copies_everything_and_adds_up(fresh_database: Database, tmp_path: Path) -> None:
    tree(tmp_path / "source", 700)
    (tmp_path / "source" / "empty").mkdir()
    (tmp_path / "source" / "large").write_bytes(b"x" * (5 << 20))
    (tmp_path / "destination").mkdir()
    async with service(fresh_database) as control, control.runner(tmp_path):
        migration = await control.migration(await control.account(), tmp_path / "source", tmp_path / "destination")
        first = await control.ended(await control.begin(migration))
        assert (first.state, first.reason) == ("done", None)
        assert contents(tmp_path / "destination") == contents(tmp_path / "source")
        assert first.totals is not None
        assert {state: n for state, (n, _) in first.totals.items()} == {"copied": 702}
        (tmp_path / "source" / "folder-3" / "file-151").write_bytes(b"something else")
        second = await control.ended(await control.begin(migration))
        assert second.totals is not None
        assert sum(n for n, _ in second.totals.values()) == 702
        assert contents(tmp_path / "destination") == contents(tmp_path / "source")
