"""Crashes, full disks and folders that are not ours."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mover.core.errors import BadOption
from mover.crypto.streaming import SEGMENT
from mover.spool import folder
from mover.spool.errors import SpoolFailed, SpoolFull
from mover.spool.room import Room
from mover.spool.spool import LEAST_QUOTA, Spool

pytestmark = pytest.mark.anyio

CHILD = """
import asyncio, os, pathlib, sys
from mover.spool import folder
from mover.spool.spool import LEAST_QUOTA, Spool

if sys.argv[2] == "named":  # as on a file system without nameless files, and killed before the name is gone
    real = os.open
    def without(path, flags, *rest, **more):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "not supported")
        return real(path, flags, *rest, **more)
    os.open = without
    os.unlink = lambda *a, **k: None

async def main():
    async with Spool.open(pathlib.Path(sys.argv[1]), quota=LEAST_QUOTA) as spool:
        kept = await spool.keep(b"MARKER" * 1000, b"")
        room = await spool.room(b"", None)
        await room.write(b"MARKER" * 300_000)
        await room.close()  # it is on the disk now
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@contextmanager
def killed_child(place: Path, how: str) -> Iterator[int]:
    """A process that has files in its spool; ended by SIGKILL when the block ends."""
    with subprocess.Popen([sys.executable, "-c", CHILD, str(place), how], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            yield child.pid
        finally:
            os.kill(child.pid, signal.SIGKILL)


async def test_a_killed_process_leaves_nothing_to_find(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    with killed_child(place, "nameless") as pid:
        assert list(place.iterdir()) == [], "even while it runs there is no name"
        links = _links(str(pid))
        assert any(str(place) in link and "(deleted)" in link for link in links), "the control: it has a file there"
    assert list(place.iterdir()) == []


async def test_what_a_crash_left_is_erased_at_start(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    with killed_child(place, "named"):
        pass
    (left,) = place.iterdir()
    assert left.stat().st_size > SEGMENT, "the control: a crash did leave a file"
    assert left.stat().st_mode & 0o777 == 0o600
    assert b"MARKER" not in left.read_bytes()
    async with Spool.open(place, quota=LEAST_QUOTA):
        assert list(place.iterdir()) == []


async def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    async with Spool.open(place, quota=LEAST_QUOTA) as spool, await spool.keep(b"mine", b"") as kept:
        with killed_child(place, "nameless"):
            async with Spool.open(place, quota=LEAST_QUOTA) as third, await third.keep(b"other", b"") as other:
                assert await other.read() == b"other"
        assert await kept.read() == b"mine"


async def test_without_nameless_files_the_name_goes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without(path: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(folder.os, "open", without)
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool, await spool.keep(b"x", b"") as kept:
        assert list((tmp_path / "spool").iterdir()) == []
        assert await kept.read() == b"x"


async def test_nothing_is_open_after_the_end(tmp_path: Path) -> None:
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        await spool.keep(b"never released", b"")
        await spool.room(b"", None)
    links = _links("self")
    assert not [link for link in links if str(tmp_path) in link]


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
async def test_a_folder_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "spool"
    place.mkdir()
    place.chmod(mode)
    with pytest.raises(BadOption, match="chmod 700"):
        async with Spool.open(place, quota=LEAST_QUOTA):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)
    with pytest.raises(BadOption, match="belongs to"):
        async with Spool.open(place, quota=LEAST_QUOTA):
            pass


async def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "spool").symlink_to(tmp_path / "real")
    with pytest.raises(BadOption, match="cannot use"):
        async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA):
            pass


async def test_a_folder_with_somebodys_files_is_refused_and_they_stay(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    place.mkdir(mode=0o700)
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(BadOption, match=r"thesis\.txt"):
        async with Spool.open(place, quota=LEAST_QUOTA):
            pass
    assert (place / "thesis.txt").read_text() == "years of work"


async def test_a_disk_that_takes_no_more_is_an_error_to_show(tmp_path: Path) -> None:
    """The limit of a file's size stands for a full disk; the disk image test fills a real one."""
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        small = await spool.keep(b"kept", b"")
        room = await spool.room(b"", 8 * SEGMENT, window=8)
        with _files_of_at_most(3 * SEGMENT), pytest.raises(SpoolFull, match="full"):
            await _fill(room, 8)
        with pytest.raises(SpoolFull):
            [chunk async for chunk in room.chunks()]
        room.release()
        assert await small.read() == b"kept", "what was there stays readable"
        small.release()
        with _files_of_at_most(10), pytest.raises(SpoolFull):
            await spool.keep(bytes(1000), b"")
        await spool._threads.idle()
        assert spool.used == 0
        for slots in (spool._small, spool._large):
            assert len(slots._used) == slots.touched, "every slot came back, also those that could not be written"
        async with await spool.keep(bytes(2 * SEGMENT), b"") as kept:
            assert await kept.read() == bytes(2 * SEGMENT), "with room on the disk it goes on"


async def test_a_disk_that_fails_is_an_error_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> int:
        raise OSError(5, "Input/output error")

    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        kept = await spool.keep(b"x", b"")
        monkeypatch.setattr(os, "preadv", failing)
        with pytest.raises(SpoolFailed, match="Input/output"):
            await kept.read()


async def _fill(room: Room, segments: int) -> None:
    for _ in range(segments):
        await room.write(bytes(SEGMENT))
    await room.close()


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _links(process: str) -> list[str]:
    """What the process has open."""
    links: list[str] = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            links.append(str(descriptor.readlink()))
    return links
