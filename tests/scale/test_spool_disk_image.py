"""The raw disk below the spool, byte by byte: a marker that passes through the spool is never on it.

Needs root, to mount an ext4 image through a loop device. Skipped elsewhere, unless MOVER_MUST_RUN names `spool-image`.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.running import MUST_RUN

from mover.crypto.streaming import SEGMENT
from mover.spool.errors import SpoolFull
from mover.spool.spool import LEAST_QUOTA, Spool

pytestmark = pytest.mark.anyio

MARKER: Final = b"The-Marker-That-Must-Not-Be-On-The-Disk/" + os.urandom(8).hex().encode()
IMAGE: Final = 48 << 20


class Image:
    """A file system in a file: `folder` is where it is mounted, `found` looks at its raw bytes."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file, self.folder = file, folder

    def found(self) -> bool:
        """Whether the marker is anywhere on the disk, now that all is written out."""
        subprocess.run(["sync", "-f", self.folder], check=True)
        with self.file.open("rb") as raw, mmap.mmap(raw.fileno(), 0, prot=mmap.PROT_READ) as all_bytes:
            return all_bytes.find(MARKER) >= 0


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    file, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with file.open("wb") as out:
        out.truncate(IMAGE)
    try:
        _mount(file, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        if MUST_RUN & {"spool-image", "all"}:
            raise AssertionError(f"spool-image must run here: {error}") from error
        pytest.skip(f"spool-image: an ext4 image cannot be mounted here (needs root, mkfs.ext4, loop): {error}")
    try:
        folder.chmod(0o700)
        yield Image(file, folder)
    finally:
        subprocess.run(["umount", folder], check=True)


async def test_the_control_that_a_plain_file_is_found(image: Image) -> None:
    plain = image.folder / "plain"
    assert not image.found()
    plain.write_bytes(MARKER * 100)
    assert image.found()
    plain.unlink()
    assert image.found(), "and removal alone does not take it off the disk"


async def test_nothing_readable_touches_the_disk(image: Image) -> None:
    data = MARKER * (12 * SEGMENT // len(MARKER))
    async with Spool.open(image.folder, quota=LEAST_QUOTA, window=4) as spool:
        small, medium = await spool.keep(MARKER * 50, b""), await spool.keep(data[: SEGMENT // 2], b"")
        async with await spool.room(b"", len(data), ["md5"]) as room, asyncio.TaskGroup() as group:
            group.create_task(_fill(room, data))
            passed = 0
            async for chunk in room.chunks(consuming=True):
                passed += len(chunk)
                assert not image.found(), "while the file passes"
            assert passed == len(data)
        assert await small.read() == MARKER * 50
        assert await medium.read() == data[: SEGMENT // 2]
        assert os.fstat(spool._file).st_blocks > 0, "the control: something was written"
        assert not image.found(), "while small files rest"
    assert not image.found(), "after the end"
    assert [p.name for p in image.folder.iterdir()] == ["lost+found"]


async def test_a_full_disk_is_said_and_nothing_is_lost(image: Image) -> None:
    async with Spool.open(image.folder / "spool", quota=LEAST_QUOTA) as spool:
        kept = await spool.keep(b"before", b"")
        ballast = image.folder / "ballast"
        _fill_up(ballast)
        with pytest.raises(SpoolFull, match="No space left"):
            await spool.keep(os.urandom(8 * SEGMENT), b"")
        assert await kept.read() == b"before"
        kept.release()
        await spool._threads.idle()
        assert spool.used == 0
        ballast.unlink()
        async with await spool.keep(b"x" * (4 * SEGMENT), b"") as after:
            assert await after.read() == b"x" * (4 * SEGMENT)


def _mount(file: Path, folder: Path) -> None:
    for program in ("mkfs.ext4", "mount"):
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            raise OSError(f"{program} is not installed")
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-m", "0", file], check=True, capture_output=True)
    subprocess.run(["mount", "-o", "loop", file, folder], check=True, capture_output=True)


def _fill_up(file: Path) -> None:
    """Leave less than a segment free."""
    with file.open("wb", buffering=0) as out:
        for step in (SEGMENT, 4096):
            try:
                while True:
                    out.write(b"\xff" * step)
            except OSError:
                continue


async def _fill(room: object, data: bytes) -> None:
    for at in range(0, len(data), 300_000):
        await room.write(data[at : at + 300_000])
    await room.close()
