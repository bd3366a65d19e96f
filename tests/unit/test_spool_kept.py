"""Whole files in the spool: one call in, one call out."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mover.core.errors import BadOption
from mover.core.model import Digest
from mover.crypto.streaming import SEGMENT, sealed_size
from mover.spool.errors import SpoolGone
from mover.spool.kept import SMALL
from mover.spool.spool import LEAST_QUOTA, Spool

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("size", [0, 1, 4096, SMALL - 1, SMALL, SMALL + 1, SEGMENT - 56, SEGMENT, 3 * SEGMENT])
async def test_what_goes_in_comes_out(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        async with await spool.keep(data, b"run|item|1", ["md5", "sha256"]) as kept:
            assert await kept.read() == data
            assert await kept.read() == data, "it can be read again"
            assert kept.size == size
            assert kept.digests == (
                Digest("md5", hashlib.md5(data, usedforsecurity=False).digest()),
                Digest("sha256", hashlib.sha256(data).digest()),
            )
            body = await kept.body()
            assert (body.whole, body.size, body.digests) == (data, size, kept.digests)
            assert b"".join([chunk async for chunk in body.chunks()]) == data
            assert spool.used >= sealed_size(size)
        assert spool.used == 0
        with pytest.raises(SpoolGone):
            await kept.read()
        kept.release()
        assert spool.used == 0, "a second release gives nothing back"


async def test_slots_are_reused(tmp_path: Path) -> None:
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        for _ in range(200):
            (await spool.keep(bytes(5000), b"")).release()
            (await spool.keep(bytes(500_000), b"")).release()
        assert os.fstat(spool._file).st_size < 4 * SEGMENT


async def test_trim_gives_the_disk_back_when_nothing_is_in_use(tmp_path: Path) -> None:
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        kept = await spool.keep(b"here", b"")
        assert not spool.trim()
        kept.release()
        assert spool.trim()
        assert os.fstat(spool._file).st_size == 0
        async with await spool.keep(b"again", b"") as kept:
            assert await kept.read() == b"again"


async def test_a_file_above_the_quota_is_refused_at_once(tmp_path: Path) -> None:
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        with pytest.raises(BadOption, match="quota"):
            await spool.keep(bytes(LEAST_QUOTA), b"")
        assert spool.used == 0


async def test_a_quota_too_small_for_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="quota"):
        async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA - 1):
            pass
