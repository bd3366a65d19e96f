"""No room: at the destination the run pauses and goes on once there is some; in the spool it waits, or fails before any harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.hurried import Hurried
from tests.faults.oracle import must_be_finished, planted
from tests.small_disk import make_room, small_disk
from tests.witness.moving import local, move
from tests.witness.trees import files_of

from mover.core.states import State

pytestmark = pytest.mark.anyio


def plain(folder: Path, seed: int) -> dict[str, bytes]:
    content = {path: data for path, data in planted(folder, seed, files=240).items() if len(data) < 1_000_000}
    for path in files_of(folder):
        if path not in content:
            (folder / path).unlink()
    return content


async def test_a_full_destination_pauses_the_run_until_there_is_room(tmp_path: Path) -> None:
    content = plain(tmp_path / "plain", 1)
    assert sum(map(len, content.values())) > 3 << 20
    with small_disk(tmp_path / "disk", 2 << 20) as disk:
        there = disk / "files"
        first = await move(local(tmp_path / "plain"), local(there), tmp_path / "home", clock=Hurried())
        assert first.ending.state == "paused"
        problem = first.ending.problem
        assert problem is not None
        assert (problem.code, problem.exit_code) == ("destination-full", 8)
        partial = files_of(there)
        assert all(content[path] == file.read_bytes() for path, file in partial.items())
        done = {path for path, line in first.lines.items() if line.state is State.COPIED}
        assert done <= set(partial)

        make_room(disk)
        second = await move(local(tmp_path / "plain"), local(there), tmp_path / "home", clock=Hurried())
        must_be_finished(second, content, there)
        assert second.counts[State.COPIED][0] == len(content)
        assert second.progress.bytes_moved < sum(map(len, content.values()))


async def test_a_full_disk_below_the_spool_harms_nothing(tmp_path: Path) -> None:
    """The quota says more than the disk has: the run stops with the reason, and the same run goes on with room."""
    content = planted(tmp_path / "plain", 2)
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        first = await move(
            local(tmp_path / "plain"),
            local(tmp_path / "there"),
            tmp_path / "home",
            clock=Hurried(),
            spool=disk / "spool",
        )
        assert first.ending.state == "paused"
        problem = first.ending.problem
        assert problem is not None
        assert (problem.code, problem.exit_code) == ("spool-full", 8)
        for path, file in files_of(tmp_path / "there").items():
            assert content[path] == file.read_bytes(), path
    second = await move(local(tmp_path / "plain"), local(tmp_path / "there"), tmp_path / "home")
    must_be_finished(second, content, tmp_path / "there")


async def test_a_small_quota_only_makes_the_run_wait(tmp_path: Path) -> None:
    content = planted(tmp_path / "plain", 3)
    moved = await move(local(tmp_path / "plain"), local(tmp_path / "there"), tmp_path / "home", quota=32 << 20)
    must_be_finished(moved, content, tmp_path / "there")
