"""What the local connector does beyond the conformance suite: links, pipes, changes while reading, what it leaves."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mover.conformance.bodies import Sent, content, sample
from mover.conformance.checks import listing
from mover.connectors.local import parts
from mover.connectors.local.client import Local, connect
from mover.connectors.local.spec import SPEC
from mover.core.errors import BadOption, Changed, Conflict, Damaged, Denied, MoverError, NotFound, Refused, Unfit
from mover.core.model import Attributes, Digest, Entry, ItemId, Kind
from mover.core.options import Options

pytestmark = pytest.mark.anyio
ROOT = ItemId("")


@asynccontextmanager
async def at(folder: Path, **options: str | bool) -> AsyncGenerator[Local]:
    async with connect(Options(SPEC, {"path": str(folder), **options})) as local:
        yield local


async def read_while(local: Local, entry: Entry, happens: Callable[[], object]) -> None:
    async with local.read(entry) as body:
        async for _ in body.chunks():
            happens()


def left(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208  # names, not paths


async def only(local: Local, folder: ItemId = ROOT) -> Entry:
    (entry,) = await listing(local, folder)
    return entry


async def test_links_are_listed_with_their_target_and_never_read(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("outside")
    (tmp_path / "root" / "link").symlink_to("../secret")
    async with at(tmp_path / "root") as local:
        entry = await only(local)
        assert (entry.kind, entry.target, entry.size) == (Kind.LINK, "../secret", None)
        with pytest.raises(Conflict):
            await content(local, entry)


@pytest.mark.parametrize("verb", ["list", "read", "write", "make", "remove", "find", "set", "rename", "begin"])
async def test_no_verb_follows_a_linked_folder_out_of_the_root(tmp_path: Path, verb: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("untouched")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "own").write_text("own")
    link, file = ItemId("link"), ItemId("link/file")
    async with at(tmp_path / "root") as local:
        tries = {
            "list": lambda: local.list(link),
            "read": lambda: content(local, Entry(file, link, "file", Kind.FILE)),
            "write": lambda: local.write(link, "new", Sent(b"x")),
            "make": lambda: local.make_folder(link, "new"),
            "remove": lambda: local.remove(file),
            "find": lambda: local.find("link/file"),
            "set": lambda: local.set_modified(file, parts.time_of(0) or pytest.fail("no time")),
            "rename": lambda: local.rename(ItemId("own"), link, "new"),
            "begin": lambda: local.begin(link, "new", 1 << 30),
        }
        with pytest.raises((Conflict, NotFound)):
            await tries[verb]()
    assert left(tmp_path / "outside") == ["file"]
    assert (tmp_path / "outside" / "file").read_text() == "untouched"
    assert (tmp_path / "outside" / "file").stat().st_mtime > 0


async def test_a_write_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_text("untouched")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    async with at(tmp_path / "root") as local:
        await local.write(ROOT, "link", Sent(b"new"))
    assert (tmp_path / "outside").read_text() == "untouched"
    assert not (tmp_path / "root" / "link").is_symlink()


@pytest.mark.parametrize("id_", ["..", "../up", "a/../../up", "/etc/passwd", "a//b", ".", "a/."])
async def test_ids_cannot_leave_the_root(tmp_path: Path, id_: str) -> None:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "up").write_text("outside")
    async with at(tmp_path / "root") as local:
        with pytest.raises(Unfit):
            await content(local, Entry(ItemId(id_), None, "x", Kind.FILE))
        with pytest.raises(Unfit):
            await local.remove(ItemId(id_))
        with pytest.raises(Unfit):
            await local.list(ItemId(id_))


async def test_pipes_and_sockets_are_listed_as_other_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        async with at(tmp_path) as local:
            entries = {e.name: e for e in await listing(local, ROOT)}
            assert {e.kind for e in entries.values()} == {Kind.OTHER}
            for entry in entries.values():
                with pytest.raises(Conflict):
                    await content(local, entry)


async def test_a_file_written_while_it_is_read_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(sample(3_000_000))
    async with at(tmp_path) as local:
        entry = await only(local)
        with pytest.raises(Changed):
            await read_while(local, entry, lambda: path.write_bytes(sample(3_000_000, 1)))


async def test_a_file_cut_short_while_it_is_read_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(sample(3_000_000))
    async with at(tmp_path) as local:
        entry = await only(local)
        with pytest.raises(Changed, match="shorter"):
            await read_while(local, entry, lambda: os.truncate(path, 10))


async def test_a_file_replaced_by_one_of_equal_size_and_time_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    async with at(tmp_path) as local:
        entry = await only(local)
        (tmp_path / "other").write_text("two")
        os.utime(tmp_path / "other", ns=(1, path.stat().st_mtime_ns))
        (tmp_path / "other").rename(path)
        with pytest.raises(Changed):
            await content(local, entry)


async def test_reading_leaves_the_time_of_access(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    os.utime(path, ns=(10**18, 10**18))
    async with at(tmp_path) as local:
        await content(local, await only(local))
    assert path.stat().st_atime_ns == 10**18


async def test_times_are_exact_to_the_microsecond_also_before_1970(tmp_path: Path) -> None:
    async with at(tmp_path) as local:
        for nanoseconds in (-1_234_567_890_123_000, 0, 1_700_000_000_123_457_000, 4_102_444_800_999_999_000):
            time = parts.time_of(nanoseconds)
            await local.write(ROOT, "t", Sent(b"x"), Attributes(modified=time))
            assert (await only(local)).modified == time
            assert (tmp_path / "t").stat().st_mtime_ns == nanoseconds


async def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    class Breaks:
        size: int | None = 10
        whole: bytes | None = None
        digests: tuple[Digest, ...] = ()

        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise OSError(28, "not the destination's: the source says so")

    async with at(tmp_path) as local:
        with pytest.raises(OSError, match="source"):  # it is not taken for an error of this disk
            await local.write(ROOT, "file", Breaks())
        with pytest.raises(Damaged):
            await local.write(ROOT, "file", Sent(b"abc", claim=4))
        assert left(tmp_path) == []
        (tmp_path / "folder").mkdir()
        with pytest.raises(Conflict):
            await local.write(ROOT, "folder", Sent(b"abc"))
    assert left(tmp_path) == ["folder"]


async def test_flushed_writes_are_whole(tmp_path: Path) -> None:
    async with at(tmp_path, flush=True) as local:
        await local.write(ROOT, "file", Sent(b"on the disk"))
    assert (tmp_path / "file").read_bytes() == b"on the disk"


async def test_a_full_disk_is_full(tmp_path: Path) -> None:
    # /dev/full cannot stand below a root of ours, so the table is asked.
    from mover.connectors.local.errors import meaning

    assert type(meaning(OSError(28, "x"), "item")).__name__ == "Full"
    assert type(meaning(OSError(122, "x"), "item")).__name__ == "Full"
    assert type(meaning(OSError(9999, "x"), "item")) is Refused
    assert type(meaning(OSError("no number"), "item")) is Refused


@pytest.fixture
def nobody(tmp_path: Path) -> Generator[None]:
    """The test runs as a user that may do nothing but pass through the folder; root would be let in everywhere."""
    tmp_path.chmod(0o755)
    if os.geteuid() != 0:
        pytest.skip("only root may become somebody else")
    os.seteuid(65534)
    yield
    os.seteuid(0)


async def test_what_the_account_may_not_touch_is_denied(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    async with at(tmp_path) as local:
        entry = Entry(ItemId("file"), ROOT, "file", Kind.FILE)
        request.getfixturevalue("nobody")
        with pytest.raises(Denied):
            await content(local, entry)
        with pytest.raises(Denied):
            await local.list(ItemId("folder"))
        with pytest.raises(Denied):
            await local.write(ROOT, "new", Sent(b"x"))
        with pytest.raises(Denied):
            await local.remove(entry.id)


async def test_files_of_others_are_read_though_their_time_of_access_changes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "file").write_text("theirs")
    (tmp_path / "file").chmod(0o644)
    async with at(tmp_path) as local:
        request.getfixturevalue("nobody")
        assert await content(local, await only(local)) == b"theirs"


async def test_a_name_too_long_is_unfit(tmp_path: Path) -> None:
    async with at(tmp_path) as local:
        with pytest.raises(Unfit):
            await local.write(ROOT, "n" * 256, Sent(b"x"))
        with pytest.raises(Unfit):
            await local.make_folder(ROOT, "ü" * 128)


async def test_pages_of_a_large_folder_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mover.connectors.local.listing.PAGE", 7)
    names = [f"f{n}" for n in range(100)]
    for name in names:
        (tmp_path / name).touch()
    async with at(tmp_path) as local, at(tmp_path) as other:
        seen: list[str] = []
        page = await local.list(ROOT)
        seen += [e.name for e in page.entries]
        # Every page from another connection than the last: a cursor means the same in both.
        for connector in itertools.cycle((other, local)):
            if page.next is None:
                break
            page = await connector.list(ROOT, page.next)
            seen += [e.name for e in page.entries]
    assert seen == sorted(names)


async def test_a_listing_survives_files_that_vanish_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mover.connectors.local.listing.PAGE", 2)
    for name in "abcdef":
        (tmp_path / name).touch()
    async with at(tmp_path) as local:
        first = await local.list(ROOT)
        (tmp_path / "c").unlink()
        second = await local.list(ROOT, first.next)
    assert [e.name for e in (*first.entries, *second.entries)] == ["a", "b", "d"]


async def test_few_folders_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mover.connectors.local.listing.PAGE", 1)
    async with at(tmp_path) as local:
        for n in range(20):
            (tmp_path / f"{n}").mkdir()
            (tmp_path / f"{n}" / "a").touch()
            (tmp_path / f"{n}" / "b").touch()
            assert (await local.list(ItemId(f"{n}"))).next
        assert len(local._listing._names) == 8


async def test_paths_longer_than_the_system_takes_at_once(tmp_path: Path) -> None:
    async with at(tmp_path) as local:
        folder = ROOT
        for _ in range(30):
            folder = (await local.make_folder(folder, "p" * 200)).id
        assert len(folder) > 4096
        entry = await local.write(folder, "file", Sent(b"deep"))
        assert await content(local, entry) == b"deep"
        for _ in range(31):  # pytest itself cannot remove such a tree
            await local.remove(entry.id)
            entry = Entry(ItemId(entry.id.rpartition("/")[0]), None, "", Kind.FOLDER)


@pytest.mark.parametrize("missing", ["gone", "file"])
async def test_a_root_that_is_no_folder_is_a_bad_option(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadOption, match=missing):
        async with at(tmp_path / missing):
            pass


async def test_the_root_is_not_removed(tmp_path: Path) -> None:
    async with at(tmp_path) as local:
        with pytest.raises(Conflict):
            await local.remove(ROOT)
        assert (await local.find("")).kind is Kind.FOLDER


async def test_parts_after_a_crash_in_the_middle_of_one(tmp_path: Path) -> None:
    size = 2 * parts.PART + 100
    async with at(tmp_path) as local:
        upload = await local.begin(ROOT, "large", size, Attributes(modified=parts.time_of(10**18)))
        await local.write_part(upload, 0, Sent(sample(parts.PART)))
    (temporary,) = left(tmp_path)
    with (tmp_path / temporary).open("ab") as out:
        out.write(b"half a part, then the power went")
    async with at(tmp_path) as local:
        upload = await local.resume(upload.state)
        assert [p.number for p in upload.done] == [0]
        done = [*upload.done]
        for number, length in ((1, parts.PART), (2, 100)):
            done.append(await local.write_part(upload, number, Sent(sample(length, number * parts.PART))))
        await local.finish(upload, done)
    assert left(tmp_path) == ["large"]
    assert (tmp_path / "large").read_bytes() == sample(size)
    assert (tmp_path / "large").stat().st_mtime_ns == 10**18


async def test_parts_out_of_order_are_refused(tmp_path: Path) -> None:
    async with at(tmp_path) as local:
        upload = await local.begin(ROOT, "large", 3 * parts.PART)
        with pytest.raises(Refused):
            await local.write_part(upload, 1, Sent(sample(parts.PART)))
        with pytest.raises(Damaged):
            await local.write_part(upload, 3, Sent(b"beyond the end"))
        with pytest.raises(Damaged):
            await local.write_part(upload, 0, Sent(b"too short"))


@pytest.mark.parametrize(
    "state",
    ["", "[]", "{}", "{", '{"folder": "..", "name": "x", "temporary": "x", "size": 1, "modified": null}',
     '{"folder": "", "name": "x", "temporary": "../outside", "size": 1, "modified": null}'],
)  # fmt: skip
async def test_a_strange_state_is_not_found(tmp_path: Path, state: str) -> None:
    (tmp_path / "outside").touch()
    (tmp_path / "root").mkdir()
    async with at(tmp_path / "root") as local:
        with pytest.raises((NotFound, Unfit)):
            await local.resume(state)


async def test_errors_name_the_item_and_hold_no_machine_path(tmp_path: Path) -> None:
    async with at(tmp_path) as local:
        with pytest.raises(MoverError) as caught:
            await local.list(ItemId("gone/deeper"))
    assert caught.value.item == "gone/deeper"
    assert str(tmp_path) not in caught.value.detail


async def test_rename_across_kinds_is_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    async with at(tmp_path) as local:
        with pytest.raises(Conflict):
            await local.rename(ItemId("file"), ROOT, "folder")
        with pytest.raises(Conflict):
            await local.rename(ItemId("folder"), ROOT, "file")
        with pytest.raises(Unfit):
            await local.rename(ItemId("folder"), ItemId("folder"), "inside-itself")
