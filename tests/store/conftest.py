"""A database folder as a first start makes it, for the tests that need a server of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.closed import WHY, closed
from tests.postgres import public_folder
from tests.store.keeping import QUICK, copied

from mover.store.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def made() -> Generator[Path]:
    """Made once, stopped cleanly; only to be copied."""

    async def make(folder: Path) -> None:
        async with EmbeddedPostgres(folder, settings=QUICK):
            pass

    with public_folder() as folder:
        asyncio.run(make(folder / "database"))
        yield folder / "database"


@pytest.fixture
def place() -> Generator[Path]:
    """An empty folder that every user may enter."""
    with public_folder() as folder:
        yield folder


@pytest.fixture
def folder(made: Path, place: Path) -> Path:
    """A database folder of the test's own."""
    return copied(made, place / "database")


_WHERE_OPEN = {
    "test_a_first_start_makes_everything_private",
    "test_a_plain_user_runs_it_as_well",
    "test_a_first_start_on_a_full_disk_says_so_and_the_next_one_succeeds",
}


@pytest.fixture(autouse=True)
def clone_is_open(request: pytest.FixtureRequest) -> None:
    """Leave out what tells apart whether the programs had to be copied."""
    if request.node.name.split("[")[0] in _WHERE_OPEN and closed():
        pytest.skip(WHY)
