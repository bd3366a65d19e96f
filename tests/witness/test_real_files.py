"""Five thousand real files, from an SFTP server to an S3 store, with both rclones as witnesses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sites.base import Site
from tests.witness.moving import move, place
from tests.witness.rclone import RCLONES, rclone
from tests.witness.trees import must_be_equal, real_tree

from mover.core.states import State

FILES = 5_000
Sites = Callable[[str], Site]


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("which", RCLONES)
async def test_real_files_go_both_ways(which: str, site: Sites, tmp_path: Path) -> None:
    sftp, s3, folder = site("openssh"), site("rclone_s3"), f"real {secrets.token_hex(4)}"
    assert sftp.folder is not None
    tree = sftp.folder / folder
    count = real_tree(tree, FILES)
    assert count >= FILES
    moved = await move(place(sftp, folder), place(s3, folder), tmp_path / "home")
    assert moved.not_done() == {}
    assert moved.counts[State.COPIED][0] == count
    moved.must_add_up()
    witness = rclone(which, s3, tmp_path)
    witness.check(str(tree), witness.at(folder), download=False)
    witness.check(str(tree), witness.at(folder), download=True)

    by_rclone = f"{folder} by rclone"
    witness.copy(str(tree), witness.at(by_rclone))
    back = await move(place(s3, by_rclone), place(sftp, by_rclone), tmp_path / "back")
    assert back.not_done() == {}
    assert back.counts[State.COPIED][0] == count
    must_be_equal(tree, sftp.folder / by_rclone, within=1.0)
    again = await move(place(sftp, folder), place(s3, by_rclone), tmp_path / "again")
    assert set(again.counts) == {State.SAME}
