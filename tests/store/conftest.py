"""An embedded PostgreSQL is tried as root where its user can be."""

from __future__ import annotations

import pytest
from tests.closed import WHY, closed

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
