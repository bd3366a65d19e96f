"""What HTTP statuses mean where a provider says nothing better, against RFC 9110, 4918 and 6585."""

from __future__ import annotations

import pytest

from mover.connectors._kit.statuses import meaning
from mover.core.errors import (
    BadCredentials,
    Changed,
    Damaged,
    Denied,
    Full,
    Locked,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, BadCredentials),
        (403, Denied),
        (404, NotFound),
        (405, Refused),
        (408, Unreachable),
        (412, Changed),
        (413, Unfit),
        (418, Refused),
        (423, Locked),
        (429, Throttled),
        (500, Unreachable),
        (501, Refused),
        (503, Throttled),
        (507, Full),
        (599, Unreachable),
    ],
)
def test_a_status_has_its_meaning(status: int, error: type[MoverError]) -> None:
    assert meaning(status) is error


def test_a_provider_may_mean_something_else() -> None:
    assert meaning(404, {404: Damaged}) is Damaged
    assert meaning(423, {404: Damaged}) is Locked
