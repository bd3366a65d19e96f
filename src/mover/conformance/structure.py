"""Folders made, removed, renamed, and things that stand in each other's way."""

from __future__ import annotations

import contextlib

from mover.conformance.bodies import Sent, content, expect_content, put
from mover.conformance.checks import Place, check, expect, listing, names, refusal
from mover.core.connector import CopiesInside, ImpliesFolders, Renames, TellsQuota
from mover.core.errors import Conflict, ItemError, NotFound
from mover.core.model import ItemId, Kind
from mover.core.spec import Cap


@check()
async def make_folder_twice(place: Place) -> None:
    """Making a folder that is there answers with it and keeps what is in it."""
    first = await place.connector.make_folder(place.folder, "f")
    await place.connector.write(first.id, "inside", Sent(b"x"))
    second = await place.connector.make_folder(place.folder, "f")
    expect(first.id == second.id, "there are two of them")
    expect(await names(place.connector, place.folder) == ["f"], "it is not listed once")
    expect(await names(place.connector, second.id) == ["inside"], "what was in it is gone")


@check()
async def folder_over_a_file(place: Place) -> None:
    """Where a file stands no folder can be made: Conflict, and the file stays."""
    await put(place, "taken", b"a file")
    with refusal(Conflict, of="making a folder where a file is"):
        await place.connector.make_folder(place.folder, "taken")
    (entry,) = await listing(place.connector, place.folder)
    await expect_content(place.connector, entry, b"a file")


@check()
async def file_over_a_folder(place: Place) -> None:
    """A file never takes the place of a folder in silence: Conflict, or both are there afterwards."""
    folder = await place.connector.make_folder(place.folder, "taken")
    inside = await place.connector.write(folder.id, "inside", Sent(b"precious"))
    try:
        await put(place, "taken", b"a file")
    except Conflict:
        pass
    else:
        kinds = {e.kind for e in await listing(place.connector, place.folder)}
        expect(kinds == {Kind.FILE, Kind.FOLDER}, "the write was accepted, and not both are there")
    await expect_content(place.connector, inside, b"precious")


@check()
async def write_into_a_missing_folder(place: Place) -> None:
    """Writing into a folder that is gone says NotFound, or brings the folder back; it never goes elsewhere."""
    folder = await place.connector.make_folder(place.folder, "gone")
    await place.connector.remove(folder.id)
    try:
        entry = await place.connector.write(folder.id, "file", Sent(b"x"))
    except NotFound:
        expect(await names(place.connector, place.folder) == [], "something is there all the same")
    else:
        expect(await names(place.connector, folder.id) == ["file"], "the file went elsewhere")
        await place.connector.remove(entry.id)


@check()
async def full_folder_is_not_removed(place: Place) -> None:
    """Removing a folder that is not empty never removes what is in it."""
    folder = await place.connector.make_folder(place.folder, "full")
    entry = await place.connector.write(folder.id, "inside", Sent(b"precious"))
    with contextlib.suppress(ItemError):
        await place.connector.remove(folder.id)
    expect(await names(place.connector, place.folder) == ["full"], "the folder is gone")
    expect(await names(place.connector, folder.id) == ["inside"], "what was in it is gone")
    await expect_content(place.connector, entry, b"precious")


@check()
async def folders_can_be_removed(place: Place) -> None:
    """An empty folder can be removed, and once more."""
    folder = await place.connector.make_folder(place.folder, "short-lived")
    await place.connector.remove(folder.id)
    await place.connector.remove(folder.id)
    expect(await names(place.connector, place.folder) == [], "it is still listed")


@check(Cap.IMPLIED_FOLDERS)
async def implied_folders(place: Place) -> None:
    """A file can be written into folders that nobody made; they are listed as folders, under the ids that were foretold."""
    implies = place.able(ImpliesFolders)
    outer = implies.folder_at(place.folder, "out er")
    expect(outer is not None, "the folder of the check lies in a bucket, so that one in it is implied")
    inner = implies.folder_at(ItemId(str(outer)), "in+ner")
    expect(inner is not None, "a folder in an implied folder is implied too")
    entry = await place.connector.write(ItemId(str(inner)), "file", Sent(b"found"))
    await expect_content(place.connector, entry, b"found")
    for folder, name, id_ in ((place.folder, "out er", outer), (ItemId(str(outer)), "in+ner", inner)):
        (seen,) = await listing(place.connector, folder)
        expect((seen.id, seen.name, seen.kind) == (id_, name, Kind.FOLDER), f"foretold as {id_!r}, listed as {seen}")
    (file,) = await listing(place.connector, ItemId(str(inner)))
    await expect_content(place.connector, file, b"found")


@check(Cap.RENAME)
async def rename_moves(place: Place) -> None:
    """Renaming leaves the old name free and the bytes as they were."""
    entry = await put(place, "old", b"moved")
    renamed = await place.able(Renames).rename(entry.id, place.folder, "new name")
    expect(renamed.name == "new name", f"it was answered as {renamed.name!r}")
    expect(await names(place.connector, place.folder) == ["new name"], "the old name is still there, or both")
    await expect_content(place.connector, renamed, b"moved")


@check(Cap.RENAME)
async def rename_into_another_folder(place: Place) -> None:
    """Renaming can move a file into another folder, under another name."""
    entry = await put(place, "old", b"moved")
    folder = await place.connector.make_folder(place.folder, "elsewhere")
    renamed = await place.able(Renames).rename(entry.id, folder.id, "new")
    expect(renamed.parent == folder.id, f"its folder was answered as {renamed.parent!r}")
    expect(await names(place.connector, place.folder) == ["elsewhere"], "the old name is still there")
    expect(await names(place.connector, folder.id) == ["new"], "it is not in the other folder")
    await expect_content(place.connector, renamed, b"moved")


@check(Cap.RENAME)
async def rename_replaces(place: Place) -> None:
    """Renaming onto a file that is there replaces it."""
    await put(place, "there", b"the old one")
    entry = await put(place, "coming", b"the new one")
    renamed = await place.able(Renames).rename(entry.id, place.folder, "there")
    expect(await names(place.connector, place.folder) == ["there"], "there is not exactly one file")
    await expect_content(place.connector, renamed, b"the new one")


@check(Cap.RENAME)
async def rename_of_nothing(place: Place) -> None:
    """Renaming what is gone says NotFound."""
    entry = await put(place, "gone", b"x")
    await place.connector.remove(entry.id)
    with refusal(NotFound, of="renaming a removed file"):
        await place.able(Renames).rename(entry.id, place.folder, "new")


@check(Cap.RENAME | Cap.EMPTY_FOLDERS)
async def rename_of_a_folder(place: Place) -> None:
    """Renaming a folder takes everything in it along."""
    folder = await place.connector.make_folder(place.folder, "old")
    inner = await place.connector.make_folder(folder.id, "inner")
    await place.connector.write(inner.id, "file", Sent(b"moved"))
    renamed = await place.able(Renames).rename(folder.id, place.folder, "new")
    expect(await names(place.connector, place.folder) == ["new"], "the old name is still there")
    (inner,) = await listing(place.connector, renamed.id)
    (file,) = await listing(place.connector, inner.id)
    await expect_content(place.connector, file, b"moved")


@check(Cap.COPY_INSIDE)
async def copy_inside(place: Place) -> None:
    """The provider's own copy has the same bytes, replaces what was there, and the original stays."""
    entry = await put(place, "original", b"copied inside")
    await put(place, "copy", b"stood there before")
    copy = await place.able(CopiesInside).copy_inside(entry, place.folder, "copy")
    expect(copy.size == entry.size, f"its size was answered as {copy.size}")
    expect(await names(place.connector, place.folder) == ["copy", "original"], "not exactly both are there")
    await expect_content(place.connector, copy, b"copied inside")
    expect(await content(place.connector, entry) == b"copied inside", "the original changed")


@check(Cap.QUOTA)
async def quota_is_sane(place: Place) -> None:
    """What is said of used and free room is not negative, and adds up."""
    quota = await place.able(TellsQuota).quota()
    told = [n for n in (quota.used, quota.total, quota.free) if n is not None]
    expect(all(n >= 0 for n in told), f"a number is negative: {quota}")
    if quota.total is not None and quota.free is not None:
        expect(quota.free <= quota.total, f"more is free than there is: {quota}")
