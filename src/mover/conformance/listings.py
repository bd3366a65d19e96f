"""Folders and what is in them: complete, in order, at any size and depth."""

from __future__ import annotations

import asyncio
from typing import Final

from mover.conformance.bodies import Sent, expect_content, put
from mover.conformance.checks import DoesNotApply, Place, check, expect, names, refusal
from mover.conformance.checks import listing as listed
from mover.core.connector import Connector, Finds, ListsDeep
from mover.core.errors import NotFound
from mover.core.model import Batch, ItemId, Kind
from mover.core.spec import Cap

MANY: Final = 1_100
"""More than any provider's first page has (1,000 is the usual)."""

DEPTH: Final = 30


@check(slow=True)
async def more_than_a_page(place: Place) -> None:
    """A folder of more files than one answer holds is listed whole, each file once."""
    wanted = [f"file-{n:05}" for n in range(MANY)]
    room = asyncio.Semaphore(16)

    async def write(name: str) -> None:
        async with room:
            await put(place, name, name.encode())

    async with asyncio.TaskGroup() as group:
        for name in wanted:
            group.create_task(write(name))
    found = await names(place.connector, place.folder)
    expect(len(found) == len(set(found)), f"{len(found) - len(set(found))} files are listed twice")
    expect(found == wanted, f"{len(found)} of {MANY} files are listed")


@check(Cap.EMPTY_FOLDERS)
async def empty_folder(place: Place) -> None:
    """An empty folder can be kept, is listed as a folder, and lists as empty."""
    made = await place.connector.make_folder(place.folder, "empty")
    expect(made.kind is Kind.FOLDER and made.name == "empty", f"it was answered as {made}")
    (seen,) = await listed(place.connector, place.folder)
    expect((seen.id, seen.name, seen.kind) == (made.id, "empty", Kind.FOLDER), f"it is listed as {seen}")
    expect(await names(place.connector, made.id) == [], "it is not empty")


@check(Cap.EMPTY_FOLDERS)
async def missing_folder_is_not_found(place: Place) -> None:
    """Listing a folder that was removed says NotFound; it is never taken for an empty one."""
    made = await place.connector.make_folder(place.folder, "gone")
    await place.connector.remove(made.id)
    with refusal(NotFound, of="listing a removed folder"):
        await place.connector.list(made.id)


@check()
async def deep_tree(place: Place) -> None:
    """Thirty folders inside each other can be made and walked."""
    if (place.limits.path_chars or place.limits.path_bytes or 1 << 30) < len(place.path) + 2 * DEPTH + 10:
        raise DoesNotApply("paths are too short there")
    folder = place.folder
    for _ in range(DEPTH):
        folder = (await place.connector.make_folder(folder, "d")).id
    await place.connector.write(folder, "bottom", Sent(b"found"))
    at = place.folder
    for level in range(DEPTH):
        entries = await listed(place.connector, at)
        expect([(e.name, e.kind) for e in entries] == [("d", Kind.FOLDER)], f"at depth {level} there is {entries}")
        at = entries[0].id
    (file,) = await listed(place.connector, at)
    await expect_content(place.connector, file, b"found")


@check()
async def same_name_in_two_folders(place: Place) -> None:
    """Two folders may hold files of one name; each keeps its own, and neither is listed in the other."""
    for name in ("one", "one two", "one.two"):
        folder = await place.connector.make_folder(place.folder, name)
        await place.connector.write(folder.id, "same", Sent(name.encode()))
    for folder in await listed(place.connector, place.folder):
        (file,) = await listed(place.connector, folder.id)
        await expect_content(place.connector, file, folder.name.encode())


@check(Cap.DEEP_LISTING)
async def deep_listing_is_complete(place: Place) -> None:
    """A listing of everything below a folder shows each file once, as a walk from folder to folder does."""
    deep = place.able(ListsDeep)
    wanted = await _make_tree(place)
    found: dict[str, int] = {}
    async for batch in deep.list_deep(place.folder):
        _columns_agree(batch)
        for path, size in zip(batch.paths, batch.sizes, strict=True):
            expect(path not in found, f"{path!r} is listed twice")
            found[path] = size
    files = {path: size for path, size in found.items() if not path.endswith("/")}
    expect(files == wanted, f"differs in {sorted(set(files.items()) ^ set(wanted.items()))}")
    expect(await _walked(place.connector, place.folder) == wanted, "the walk from folder to folder shows others")


@check(Cap.DEEP_LISTING)
async def deep_listing_is_in_order(place: Place) -> None:
    """A listing of everything below a folder comes in the byte order of the paths."""
    deep = place.able(ListsDeep)
    await _make_tree(place)
    paths = [path async for batch in deep.list_deep(place.folder) for path in batch.paths]
    expect(paths == sorted(paths, key=lambda p: p.encode("utf-8", "surrogateescape")), f"the order is {paths}")


@check(Cap.DEEP_LISTING)
async def deep_listing_goes_on(place: Place) -> None:
    """Such a listing can begin behind any path, and then misses nothing."""
    deep = place.able(ListsDeep)
    await _make_tree(place)
    paths = [path async for batch in deep.list_deep(place.folder) for path in batch.paths]
    for at, after in enumerate(paths):
        rest = [path async for batch in deep.list_deep(place.folder, after) for path in batch.after(after).paths]
        expect(rest == paths[at + 1 :], f"behind {after!r} it shows {rest}")


@check(Cap.DEEP_LISTING)
async def deep_listing_can_be_read(place: Place) -> None:
    """Every row of such a listing stands for a file that can be read."""
    deep = place.able(ListsDeep)
    wanted = await _make_tree(place)
    async for batch in deep.list_deep(place.folder):
        for index, path in enumerate(batch.paths):
            if path.endswith("/"):
                continue
            entry = deep.entry_of(place.folder, batch, index)
            expect(entry.name == path.rpartition("/")[2], f"{path!r} became {entry.name!r}")
            expect(entry.size == wanted[path], f"{path!r} became one of {entry.size} bytes")
            await expect_content(place.connector, entry, path.encode())


@check(Cap.FIND)
async def finds_paths(place: Place) -> None:
    """An item is found by its path; what is not there is NotFound."""
    finder = place.able(Finds)
    folder = await place.connector.make_folder(place.folder, "a folder")
    file = await place.connector.write(folder.id, "a file", Sent(b"12345"))
    seen = await finder.find(f"{place.path}/a folder/a file")
    told = (file.id, file.name, file.kind, file.size)
    expect((seen.id, seen.name, seen.kind, seen.size) == told, f"found {seen}, wrote {file}")
    seen = await finder.find(f"{place.path}/a folder")
    expect((seen.id, seen.kind) == (folder.id, Kind.FOLDER), f"found {seen}, made {folder}")
    for missing in ("nothing", "a folder/nothing", "nothing/a file", "a folder/a file/below"):
        with refusal(NotFound, of=f"finding {missing!r}"):
            await finder.find(f"{place.path}/{missing}")


async def _make_tree(place: Place) -> dict[str, int]:
    """A tree whose order by bytes differs from its order by folders; answers sizes by path."""
    # "a!" and "a-b" sort around "a/": a walk that sorts names only gets them wrong.
    paths = ["a/x", "a/y/z", "a!", "a-b", "a0", "b/1", "b/10", "b/2", "ä/ö", "c"]
    folders: dict[str, ItemId] = {"": place.folder}
    for path in paths:
        above, _, name = path.rpartition("/")
        await place.connector.write(await _folder(place, folders, above), name, Sent(path.encode()))
    return {path: len(path.encode()) for path in paths}


async def _folder(place: Place, known: dict[str, ItemId], path: str) -> ItemId:
    if path not in known:
        above, _, name = path.rpartition("/")
        known[path] = (await place.connector.make_folder(await _folder(place, known, above), name)).id
    return known[path]


async def _walked(connector: Connector, folder: ItemId, path: str = "") -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for entry in await listed(connector, folder):
        if entry.kind is Kind.FOLDER:
            found |= await _walked(connector, entry.id, f"{path}{entry.name}/")
        else:
            found[path + entry.name] = entry.size
    return found


def _columns_agree(batch: Batch) -> None:
    lengths = {len(batch.paths), len(batch.sizes), len(batch.stored), len(batch.tags) or len(batch.paths)}
    expect(len(lengths) == 1, f"the columns of a batch have different lengths: {sorted(lengths)}")
