"""What Mover wrote, rclone finds; what rclone wrote, Mover copies; and after either one the other has nothing to do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.sites.base import Site
from tests.witness.moving import local, move, place
from tests.witness.rclone import rclone
from tests.witness.trees import LONGEST, TWINS, files_of, hostile_tree, must_be_equal, takes

from mover.connectors.registry import spec
from mover.core.states import State
from mover.engine.settings import RunSettings

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Known:
    """What is known of a site.

    `within`: how many seconds apart times may be (None: rclone and the server keep none); `never`: names that the server or rclone
    changes; `files`: fewer for a slow server; `container`: the site's top folders are containers, whose names are not free.
    """

    within: float | None
    never: tuple[str, ...] = ()
    container: bool = False
    files: int = 300

    def folder(self, name: str) -> str:
        own = secrets.token_hex(4)
        return f"witness-{own}/{name}" if self.container else f"{name} {own}"


SITES: Final[Mapping[str, Known]] = {
    "openssh": Known(within=1.0),
    "rclone_s3": Known(within=1e-6, never=TWINS),
    "moto": Known(within=1e-6, files=100),
    "swift": Known(within=1e-6, container=True),
    "swift_s3api": Known(within=1e-6, container=True),
    # Apache keeps properties in files of the same name with an ending, so that it cannot keep times for the longest names.
    "apache_dav": Known(within=None, never=LONGEST),
    # ProFTPD makes no folder whose name has a star; rclone itself writes another character for a space at the end.
    "proftpd_for_rclone": Known(within=1.0, never=("star * pipe |", "trailing space ")),
    "azurite": Known(within=1e-6),
}
TWICE: Final = ("openssh", "rclone_s3", "apache_dav")
"""Where Debian's old rclone is asked too: one site of each kind, as what differs between both is in rclone's backends."""

BOTH: Final = [*((name, "latest") for name in SITES), *((name, "debian") for name in TWICE)]

Sites = Callable[[str], Site]


@pytest.fixture(params=BOTH, ids=["-".join(pair) for pair in BOTH])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


async def test_what_mover_wrote_is_equal_for_rclone(pair: tuple[str, str], site: Sites, tmp_path: Path) -> None:
    name, which = pair
    here, known, tree = site(name), SITES[name], tmp_path / "tree"
    witness, folder = rclone(which, here, tmp_path), known.folder("by mover")
    count = hostile_tree(tree, 1, takes(spec(here.connector).limits, never=known.never), files=known.files)
    moved = await move(local(tree), place(here, folder), tmp_path / "home")
    assert moved.not_done() == {}
    assert moved.counts[State.COPIED][0] == count
    moved.must_add_up()

    witness.check(str(tree), witness.at(folder), download=True)
    listed = witness.listing(witness.at(folder))
    files = files_of(tree)
    assert {path: size for path, (size, _) in listed.items()} == {p: f.stat().st_size for p, f in files.items()}
    if known.within is not None:
        for path, (_, time) in listed.items():
            assert abs(time.timestamp() - files[path].stat().st_mtime) <= known.within + 1e-6, path
    assert witness.to_do(str(tree), witness.at(folder)) == []


async def test_what_rclone_wrote_is_copied_by_mover(pair: tuple[str, str], site: Sites, tmp_path: Path) -> None:
    name, which = pair
    here, known, tree, back = site(name), SITES[name], tmp_path / "tree", tmp_path / "back"
    witness, folder = rclone(which, here, tmp_path), known.folder("by rclone")
    count = hostile_tree(tree, 2, takes(spec(here.connector).limits, never=known.never), files=known.files)
    witness.copy(str(tree), witness.at(folder))
    moved = await move(place(here, folder), local(back), tmp_path / "home")
    assert moved.not_done() == {}
    assert moved.counts[State.COPIED][0] == count
    moved.must_add_up()
    must_be_equal(tree, back, within=known.within)

    # Where rclone can set no times, only the time of storing is left to compare.
    how = RunSettings() if known.within is not None else RunSettings(compare="stored")
    again = await move(local(tree), place(here, folder), tmp_path / "again", settings=how)
    assert {line.path: line.detail for line in again.lines.values() if line.state is not State.SAME} == {}
    assert witness.to_do(witness.at(folder), str(back)) == []
