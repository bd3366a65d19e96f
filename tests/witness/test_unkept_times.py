"""Times that a provider cannot keep: the file is copied all the same, once, and is not taken for changed ever after."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.sites.base import Site
from tests.witness.moving import local, move, place

from mover.core.states import State

pytestmark = pytest.mark.anyio

TIMES = {"1901": datetime(1901, 12, 13, tzinfo=UTC), "2400": datetime(2400, 1, 1, tzinfo=UTC)}
KEPT = {"1970": datetime(1970, 1, 1, tzinfo=UTC), "2105": datetime(2105, 12, 31, tzinfo=UTC)}


def written(folder: Path, name: str, when: datetime, data: bytes) -> None:
    (folder / name).write_bytes(data)
    nanoseconds = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    os.utime(folder / name, ns=(nanoseconds, nanoseconds))


@pytest.mark.parametrize("server", ["openssh", "asyncssh_server"])
async def test_a_time_that_sftp_cannot_hold(site: Callable[[str], Site], server: str, tmp_path: Path) -> None:
    source, there = tmp_path / "source", place(site(server), f"times {secrets.token_hex(4)}")
    source.mkdir()
    for name, when in (TIMES | KEPT).items():
        written(source, name, when, name.encode())
    first = await move(local(source), there, tmp_path / "first")
    assert first.counts == {State.COPIED: (4, 16)}
    again = await move(local(source), there, tmp_path / "second")
    assert again.counts == {State.SAME: (4, 16)}
    assert {name: line.detail for name, line in again.lines.items()} == dict.fromkeys(
        TIMES, "size, as nothing else is known"
    ) | dict.fromkeys(KEPT, "time")
    written(source, "1901", datetime.now(UTC) + timedelta(minutes=1), b"1902")
    assert (await move(local(source), there, tmp_path / "third")).lines["1901"].state is State.COPIED
