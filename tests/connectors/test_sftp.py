"""What SFTP servers do to files in earnest: strange names, files that change, full disks, cut connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.sites.base import Site
from tests.small_disk import small_disk

from mover.connectors.registry import connect, spec
from mover.connectors.sftp import channel as channels
from mover.connectors.sftp.client import Sftp
from mover.core.errors import Changed, Conflict, Denied, Full, MoverError, NotFound, Refused, Unfit, Unreachable
from mover.core.model import Attributes, Digest, Entry, ItemId, Kind
from mover.core.options import Options

pytestmark = pytest.mark.anyio
Sites = Callable[[str], Site]
ROOT = ItemId("")
MIB = 1 << 20


class Sent:
    """A body: whole, or in pieces."""

    digests: tuple[Digest, ...] = ()

    def __init__(self, data: bytes, *, whole: bool = True, fails_after: int | None = None) -> None:
        self.size: int | None = len(data)
        self.whole = data if whole else None
        self._data, self._fails_after = data, fails_after

    async def chunks(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), MIB):
            if self._fails_after is not None and at >= self._fails_after:
                raise Unreachable("the source went away")
            yield self._data[at : at + MIB]


def left_in(folder: Path) -> list[str]:
    """The names in a folder, as the disk has them."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def place(site: Sites, request: pytest.FixtureRequest) -> tuple[Options, Path]:
    """A folder of the test's own on the OpenSSH site: options that begin in it, and its path on this disk."""
    at = site("openssh")
    assert at.folder is not None
    folder = at.folder / request.node.name.replace("[", "-").replace("]", "")
    folder.mkdir()
    return Options(spec("sftp"), {**at.options, "path": str(folder)}), folder


def opened(options: Options) -> AbstractAsyncContextManager[Sftp]:
    return connect(options)  # pyright: ignore[reportReturnType]  # the registry knows connectors only


async def all_of(connector: Sftp, item: Entry, **span: int) -> bytes:
    async with connector.read(item, **span) as got:
        return b"".join([piece async for piece in got.chunks()])


async def names_in(connector: Sftp, folder: ItemId = ROOT) -> dict[str, Entry]:
    page = await connector.list(folder)
    found = list(page.entries)
    while page.next is not None:
        page = await connector.list(folder, page.next)
        found += page.entries
    return {entry.name: entry for entry in found}


async def test_names_that_are_not_utf8(place: tuple[Options, Path]) -> None:
    options, folder = place
    raw = b"caf\xe9 \xff\n.txt"
    (folder / os.fsdecode(raw)).write_bytes(b"latin")
    async with opened(options) as connector:
        (entry,) = (await names_in(connector)).values()
        assert entry.name.encode("utf-8", "surrogateescape") == raw
        assert await all_of(connector, entry) == b"latin"
        await connector.write(ROOT, "\udcfe-out", Sent(b"x"))
        await connector.write(ROOT, entry.name, Sent(b"again"))
    assert [os.fsencode(name) for name in left_in(folder)] == sorted([raw, b"\xfe-out"])


async def test_names_of_255_bytes(place: tuple[Options, Path]) -> None:
    options, folder = place
    longest = "ä" * 127 + "x"
    async with opened(options) as connector:
        entry = await connector.write(ROOT, longest, Sent(b"long"))
        assert await all_of(connector, entry) == b"long"
        await connector.make_folder(ROOT, "d" * 255)
        with pytest.raises(Unfit, match="256 bytes"):
            await connector.write(ROOT, "y" * 256, Sent(b"too long"))
        with pytest.raises(Unfit):
            await connector.make_folder(ROOT, "y" * 256)
    assert left_in(folder) == sorted([longest, "d" * 255])


async def test_an_id_cannot_lead_out_of_the_root(place: tuple[Options, Path]) -> None:
    async with opened(place[0]) as connector:
        for id_ in ("../x", "a/../../x", "/etc/passwd", "a\x00b", "."):
            with pytest.raises(Unfit):
                await connector.find(id_)
        with pytest.raises(Refused):
            await connector.remove(ROOT)


async def test_links_devices_and_loops(place: tuple[Options, Path]) -> None:
    options, folder = place
    (folder / "round").symlink_to("round")
    (folder / "away").symlink_to("/nowhere/at/all")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    async with opened(options) as connector:
        found = await names_in(connector)
        assert {n: (e.kind, e.target) for n, e in found.items()} == {
            "round": (Kind.LINK, "round"),
            "away": (Kind.LINK, "/nowhere/at/all"),
            "up": (Kind.LINK, ".."),
            "pipe": (Kind.OTHER, None),
        }
        assert (await connector.find("round")).kind is Kind.LINK
        with pytest.raises(NotFound):
            await all_of(connector, found["round"])
        with pytest.raises(Refused):
            await all_of(connector, found["pipe"])
        await connector.remove(found["up"].id)
    assert folder.parent.is_dir()


async def test_a_long_folder_comes_in_pages_and_goes_on_in_a_new_connection(place: tuple[Options, Path]) -> None:
    options, folder = place
    for i in range(4500):
        (folder / f"{i:05d}").touch()
    async with opened(options) as connector:
        first = await connector.list(ROOT)
        assert first.next is not None
        again = [await connector.list(ROOT, first.next) for _ in range(2)]  # an answer may be lost on its way
        assert again[0].entries == again[1].entries
        found = await names_in(connector)
        assert len(found) == 4500
    async with opened(options) as connector:
        assert (await connector.list(ROOT, first.next)).entries == again[0].entries
        (folder / first.entries[0].name).unlink()
        with pytest.raises(Changed):
            await connector.list(ROOT, first.next)


@pytest.mark.parametrize("size", [10, 3 * MIB])
async def test_a_file_that_changed_since_it_was_listed(place: tuple[Options, Path], size: int) -> None:
    options, folder = place
    (folder / "f").write_bytes(b"a" * size)
    async with opened(options) as connector:
        for change in (size + 1, size - 1):
            entry = (await names_in(connector))["f"]
            (folder / "f").write_bytes(b"b" * change)
            with pytest.raises(Changed):
                await all_of(connector, entry)
        entry = (await names_in(connector))["f"]
        os.utime(folder / "f", (1, 1))
        with pytest.raises(Changed):
            await all_of(connector, entry)
        (folder / "f").unlink()
        with pytest.raises(NotFound):
            await all_of(connector, entry)


@pytest.mark.parametrize("how", ["grows", "shrinks", "vanishes"])
async def test_a_file_that_changes_while_it_is_read(place: tuple[Options, Path], how: str) -> None:
    options, folder = place
    file = folder / "f"
    file.write_bytes(os.urandom(40 * MIB))
    whole = file.read_bytes()
    async with opened(options) as connector:
        entry = (await names_in(connector))["f"]
        async with connector.read(entry) as got:
            pieces = got.chunks()
            first = await anext(pieces)
            if how == "vanishes":
                file.unlink()  # the server still has it open: what is read is whole
                assert first + b"".join([piece async for piece in pieces]) == whole
                return
            os.truncate(file, 41 * MIB if how == "grows" else 20 * MIB)
            with pytest.raises(Changed):
                async for _ in pieces:
                    pass
        assert await all_of(connector, (await names_in(connector))["f"]) == file.read_bytes()


async def test_ranges(place: tuple[Options, Path]) -> None:
    options, folder = place
    data = os.urandom(5 * MIB + 17)
    (folder / "f").write_bytes(data)
    async with opened(options) as connector:
        entry = (await names_in(connector))["f"]
        for start, end in ((0, 1), (5 * MIB, len(data)), (MIB - 1, 4 * MIB + 3), (len(data), len(data)), (7, 7)):
            assert await all_of(connector, entry, start=start, end=end) == data[start:end]
        assert await all_of(connector, entry) == data


async def test_a_server_that_gives_less_than_it_is_asked_for(
    place: tuple[Options, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSH cuts a READ at 255 KiB; a limit above that makes it the server that gives less."""
    monkeypatch.setattr(channels, "MOST", 900 << 10)
    options, folder = place
    for size in (700 << 10, 3 * MIB):
        data = os.urandom(size)
        (folder / "f").write_bytes(data)
        async with opened(options) as connector:
            (await connector._links.channel()).reads = 900 << 10
            entry = (await names_in(connector))["f"]
            assert await all_of(connector, entry) == data


@pytest.mark.parametrize("whole", [True, False])
async def test_a_write_replaces_and_keeps_the_time(place: tuple[Options, Path], whole: bool) -> None:  # noqa: FBT001
    options, folder = place
    when = datetime(2001, 2, 3, 4, 5, 6, 700000, tzinfo=UTC)
    (folder / "f").write_bytes(b"old")
    data = os.urandom(MIB * (1 if whole else 9) - 3)
    async with opened(options) as connector:
        entry = await connector.write(ROOT, "f", Sent(data, whole=whole), Attributes(modified=when))
        assert entry.modified == when.replace(microsecond=0)
        assert (await names_in(connector))["f"] == entry
        assert entry.digests == ()
    assert (folder / "f").read_bytes() == data
    assert left_in(folder) == ["f"]


async def test_without_posix_rename_what_stands_there_is_still_replaced(place: tuple[Options, Path]) -> None:
    options, folder = place
    async with opened(options) as connector:
        (await connector._links.channel()).extensions.pop(b"posix-rename@openssh.com")
        for data in (b"one", b"two"):
            await connector.write(ROOT, "f", Sent(data))
            assert (folder / "f").read_bytes() == data
        (folder / "d").mkdir()
        with pytest.raises(Conflict):
            await connector.write(ROOT, "d", Sent(b"x"))
    assert left_in(folder) == ["d", "f"]


async def test_a_folder_in_the_way_is_a_conflict(place: tuple[Options, Path]) -> None:
    options, folder = place
    (folder / "d").mkdir()
    (folder / "f").touch()
    async with opened(options) as connector:
        with pytest.raises(Conflict):
            await connector.write(ROOT, "d", Sent(b"x"))
        with pytest.raises(Conflict):
            await connector.make_folder(ROOT, "f")
        (folder / "d" / "inside").touch()
        with pytest.raises(Conflict, match="not empty"):
            await connector.remove(ItemId("d"))
    assert left_in(folder) == ["d", "f"]


async def test_a_source_that_fails_leaves_nothing(place: tuple[Options, Path]) -> None:
    options, folder = place
    (folder / "f").write_bytes(b"old")
    async with opened(options) as connector:
        with pytest.raises(Unreachable, match="source"):
            await connector.write(ROOT, "f", Sent(bytes(8 * MIB), whole=False, fails_after=4 * MIB))
        assert left_in(folder) == ["f"]
        body = Sent(bytes(8 * MIB), whole=False)
        body.size = 9 * MIB
        with pytest.raises(MoverError):
            await connector.write(ROOT, "f", body)
    assert (folder / "f").read_bytes() == b"old"
    assert left_in(folder) == ["f"]


async def test_a_cancelled_write_leaves_nothing(place: tuple[Options, Path]) -> None:
    options, folder = place
    async with opened(options) as connector:
        task = asyncio.create_task(connector.write(ROOT, "f", Sent(bytes(400 * MIB), whole=False)))
        while not left_in(folder):  # noqa: ASYNC110  # the server's disk rings no bell
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert left_in(folder) == []


def kill_sessions(sshd: int) -> None:
    """Kill everything below the sshd that this test run started.

    For root a child of sshd serves the connection; for a plain user a grandchild does, and goes on when only its parent is killed.
    """
    for pid in descendants(sshd):
        with contextlib.suppress(ProcessLookupError):  # it ended with its parent
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The processes below one, parents before their children."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


async def test_a_connection_killed_while_reading_and_the_next_call_connects_anew(
    place: tuple[Options, Path], site: Sites
) -> None:
    options, folder = place
    (folder / "f").write_bytes(bytes(200 * MIB))
    async with opened(options) as connector:
        entry = (await names_in(connector))["f"]
        async with connector.read(entry) as got:
            pieces = got.chunks()
            await anext(pieces)
            kill_sessions(int(site("openssh").notes["pid"]))
            with pytest.raises(Unreachable):
                [piece async for piece in pieces]
        assert (await names_in(connector))["f"] == entry


async def test_a_connection_killed_while_writing_leaves_nothing(place: tuple[Options, Path], site: Sites) -> None:
    options, folder = place
    async with opened(options) as connector:
        await connector.root()
        task = asyncio.create_task(connector.write(ROOT, "f", Sent(bytes(400 * MIB), whole=False)))
        while not any(p.stat().st_size > MIB for p in folder.iterdir()):  # noqa: ASYNC110  # the server's disk rings no bell
            await asyncio.sleep(0.01)
        kill_sessions(int(site("openssh").notes["pid"]))
        with pytest.raises(Unreachable):
            await task
    assert left_in(folder) == []


async def test_a_full_disk(place: tuple[Options, Path]) -> None:
    with small_disk(place[1] / "disk", 2 * MIB) as disk:
        async with opened(place[0]) as connector:
            await connector.write(ItemId("disk"), "fits", Sent(bytes(MIB)))
            for whole in (True, False):
                with pytest.raises(Full):
                    await connector.write(ItemId("disk"), "f", Sent(bytes(3 * MIB), whole=whole))
            assert left_in(disk) == ["fits"]
            await connector.write(ItemId("disk"), "fits too", Sent(bytes(MIB // 2)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_must_not_be_read(place: tuple[Options, Path]) -> None:
    options, folder = place
    (folder / "f").touch(mode=0o000)
    async with opened(options) as connector:
        with pytest.raises(Denied):
            await all_of(connector, (await names_in(connector))["f"])


async def test_what_the_server_must_not_change(site: Sites) -> None:
    """Even root may not write into /proc."""
    async with opened(Options(spec("sftp"), {**site("openssh").options, "path": "/proc"})) as connector:
        with pytest.raises((Denied, NotFound, Refused)):
            await connector.write(ROOT, "f", Sent(b"x"))


async def test_quota_is_the_disk_s(place: tuple[Options, Path]) -> None:
    options, folder = place
    async with opened(options) as connector:
        told, disk = await connector.quota(), os.statvfs(folder)
        assert told.total == disk.f_blocks * disk.f_frsize
        assert told.free is not None
        assert 0 < told.free <= told.total


async def test_parts_go_on_after_a_crash(place: tuple[Options, Path]) -> None:
    options, folder = place
    data = os.urandom(40 * MIB + 5)
    async with opened(options) as connector:
        upload = await connector.begin(ROOT, "big", len(data), Attributes(modified=datetime(2020, 1, 1, tzinfo=UTC)))
        await connector.write_part(upload, 0, Sent(data[: upload.part_size]))
    assert "big" not in left_in(folder)
    async with opened(options) as connector:
        upload = await connector.resume(upload.state)
        assert [p.number for p in upload.done] == [0]
        parts = list(upload.done)
        for number in (1, 2):
            at = number * upload.part_size
            parts.append(
                await connector.write_part(upload, number, Sent(data[at : at + upload.part_size], whole=False))
            )
        entry = await connector.finish(upload, parts)
        assert entry.modified == datetime(2020, 1, 1, tzinfo=UTC)
        with pytest.raises(NotFound):
            await connector.resume(upload.state)
        await connector.abandon(upload)
    assert (folder / "big").read_bytes() == data
    assert left_in(folder) == ["big"]


@pytest.mark.parametrize("name", ["asyncssh_server", "rclone_sftp"])
async def test_other_servers_take_the_same_files(site: Sites, name: str) -> None:
    at = site(name)
    async with opened(Options(spec("sftp"), at.options)) as connector:
        folder = (await connector.make_folder(ROOT, "other")).id
        for size in (0, 5, 300 << 10, 3 * MIB):
            data = os.urandom(size)
            entry = await connector.write(folder, "f", Sent(data, whole=size < MIB))
            assert await all_of(connector, (await names_in(connector, folder))["f"]) == data
            assert entry.size == size
        assert list(await names_in(connector, folder)) == ["f"]
