"""For each check, one way of breaking just its promise, put over an honest connector (`complete`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import unquote_plus

from tests.breaking import Break, Wrap, answered, behind, listed, named, partial, quiet, reading, silent
from tests.complete import Complete

from mover.core.errors import ItemError, NotFound
from mover.core.model import NO_METADATA, Batch, Digest, Entry, ItemId, Kind, Page, Quota


@contextmanager
def broken(connector: Complete, check: str) -> Generator[None]:
    """The connector breaks the promise of that check while the block lasts."""
    method, wrap = BREAKS.get(check, FLIPPED)
    honest = getattr(connector, method)
    setattr(connector, method, lambda *args, **kwargs: wrap(honest, *args, **kwargs))
    try:
        yield
    finally:
        delattr(connector, method)


def append(honest: Wrap, folder: ItemId, name: str, *rest: Any) -> Any:
    connector = behind(honest)
    return honest(folder, f"{name} (1)" if f"{folder}/{name}" in connector.data else name, *rest)


async def recursive(honest: Wrap, item: ItemId) -> None:
    connector = behind(honest)
    for path in [p for p in connector.entries if p == item or p.startswith(f"{item}/")]:
        connector.entries.pop(path)
        connector.data.pop(path, None)


async def strict_remove(honest: Wrap, item: ItemId) -> None:
    behind(honest).known(item)
    await honest(item)


async def keeps_the_old(honest: Wrap, item: ItemId, folder: ItemId, name: str) -> Entry:
    connector = behind(honest)
    return connector.store(folder, name, connector.data[item])


def blind(honest: Wrap, item: Entry, **ranges: Any) -> Any:
    return honest(replace(item, version=None), **ranges)


async def over_a_folder(honest: Wrap, folder: ItemId, name: str, body: Any, *rest: Any) -> Entry:
    await recursive(honest, ItemId(f"{folder}/{name}"))
    return await honest(folder, name, body, *rest)


async def elsewhere(honest: Wrap, folder: ItemId, name: str, body: Any, *rest: Any) -> Entry:
    connector = behind(honest)
    missing = folder not in connector.entries
    return await honest(ItemId(folder.rpartition("/")[0]) if missing else folder, name, body, *rest)


async def wraps_errors(honest: Wrap, *args: Any) -> Entry:
    try:
        return await honest(*args)
    except ItemError as error:
        raise NotFound("something went wrong") from error


async def any_name(honest: Wrap, folder: ItemId, name: str, *rest: Any) -> Entry:
    return await honest(folder, re.sub(r"^\.*$|[/\x00]", "_", name) or "_", *rest)


async def unsized(honest: Wrap, folder: ItemId, name: str, body: Any, *rest: Any) -> Entry:
    if body.size is None:
        raise NotFound("411 Length Required")
    return await honest(folder, name, body, *rest)


async def other_digest(honest: Wrap, *args: Any) -> Entry:
    return replace(await honest(*args), digests=(Digest("md5", b"of something else"),))


async def backwards(honest: Wrap, folder: ItemId) -> AsyncIterator[Batch]:
    for batch in reversed([b async for b in honest(folder)]):
        yield batch


async def twice(honest: Wrap, folder: ItemId) -> AsyncIterator[Batch]:
    for batch in [b async for b in honest(folder)]:
        yield batch
        yield batch


async def one_too_far(honest: Wrap, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
    async for batch in honest(folder, after):
        rest = batch.after(after)
        yield rest.after(rest.paths[0]) if after and rest.paths else rest


def visible_parts(honest: Wrap, folder: ItemId, name: str, *rest: Any) -> Any:
    behind(honest).store(folder, name, b"")
    return honest(folder, name, *rest)


async def forgets_parts(honest: Wrap, state: str) -> Any:
    return replace(await honest(state), done=())


async def finishes_anyway(honest: Wrap, upload: Any, parts: Any) -> Entry:
    connector = behind(honest)
    folder, name, _, _, sent = connector.uploads[upload.state]
    return connector.store(folder, name, b"".join(sent[p.number] for p in parts))


async def in_order_of_arrival(honest: Wrap, upload: Any, parts: Any) -> Entry:
    connector = behind(honest)
    folder, name, _, _, sent = connector.uploads[upload.state]
    return connector.store(folder, name, b"".join(sent.values()))


async def first_page_only(honest: Wrap, *args: Any) -> Page:
    return replace(await honest(*args), next=None)


async def hidden_root(honest: Wrap) -> Entry:
    return replace(await honest(), parent=ItemId("above"))


FLIPPED: Final = reading(lambda data, start, end: (data[:-1] + bytes([data[-1] ^ 1]) if data else b"")[start:end])


def later(entry: Entry) -> Entry:
    return replace(entry, modified=entry.modified and entry.modified + timedelta(seconds=1))


class Empty:
    """A body of no bytes, whatever is asked for."""

    def __init__(self, item: Entry) -> None:
        self.entry, self.whole, self.size, self.digests = item, b"", 0, ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Timeless(Empty):
    """A body whose entry has neither times nor metadata."""

    def __init__(self, honest: Wrap, item: Entry) -> None:
        super().__init__(replace(item, modified=None, metadata=NO_METADATA))


class Counted:
    """Names that are never the same twice."""

    count = 0

    @classmethod
    def next(cls, name: str) -> str:
        cls.count += 1
        return f"{name}{cls.count}"


BREAKS: Final[Mapping[str, Break]] = {
    "write_describes_the_file": answered("write", lambda e: replace(e, size=None)),
    "listing_describes_the_file": listed(lambda e: replace(e, id=ItemId(f"{e.id}?"))),
    "missing_is_not_found": ("read", lambda _, item, **__: Empty(item)),
    "writing_twice_replaces": ("write", append),
    "removing_twice_is_fine": ("remove", strict_remove),
    "root_works": ("root", hidden_root),
    "empty_file": reading(lambda data, start, end: data or b"\n"),
    "body_of_unknown_size": ("write", unsized),
    "ranges": reading(lambda data, start, end: data[start : None if end is None else end + 1]),
    "short_body_leaves_nothing": partial(),
    "long_body_leaves_nothing": partial(),
    "broken_body_leaves_nothing": ("write", wraps_errors),
    "failed_replacement_keeps_the_old": partial(),
    "cancelled_write_leaves_nothing": partial(),
    "changed_while_away": ("read", blind),
    "names_with_spaces": named(str.strip),
    "names_with_dots": named(lambda name: None if name.startswith(".") else name),
    "names_in_other_scripts": named(lambda name: name.encode("latin-1", "replace").decode("latin-1")),
    "names_with_emoji": named(lambda name: name.replace("\u200d", "")),
    "names_composed_and_decomposed": named(lambda name: unicodedata.normalize("NFC", name)),
    "names_with_quotes": named(lambda name: name.replace("\\", "/")),
    "names_with_url_signs": named(unquote_plus),
    "names_like_options": named(lambda name: name.lstrip("-")),
    "names_with_control_characters": named(lambda name: name.splitlines()[0]),
    "names_in_two_cases": named(str.lower),
    "longest_names": named(lambda name: name[:200]),
    "names_of_any_bytes": named(lambda name: name.encode("utf-8", "replace").decode()),
    "folders_with_odd_names": answered("make_folder", lambda e: replace(e, name=unquote_plus(e.name))),
    "names_cannot_leave_the_folder": ("write", any_name),
    "more_than_a_page": ("list", first_page_only),
    "empty_folder": listed(lambda e: replace(e, kind=Kind.FILE) if e.name == "empty" else e),
    "missing_folder_is_not_found": quiet("list", NotFound, result=Page(())),
    "deep_listing_is_complete": ("list_deep", twice),
    "deep_listing_is_in_order": ("list_deep", backwards),
    "deep_listing_goes_on": ("list_deep", one_too_far),
    "finds_paths": quiet("find", NotFound, result=Entry(ItemId("x"), None, "x", Kind.FILE)),
    "make_folder_twice": ("make_folder", lambda honest, folder, name: honest(folder, Counted.next(name))),
    "folder_over_a_file": quiet("make_folder", ItemError, result=Entry(ItemId("x"), None, "x", Kind.FOLDER)),
    "file_over_a_folder": ("write", over_a_folder),
    "write_into_a_missing_folder": ("write", elsewhere),
    "full_folder_is_not_removed": ("remove", recursive),
    "folders_can_be_removed": silent("remove"),
    "implied_folders": ("folder_at", lambda honest, folder, name: ItemId(f"{folder}/{name}!")),
    "rename_moves": ("rename", keeps_the_old),
    "rename_into_another_folder": ("rename", keeps_the_old),
    "rename_replaces": ("rename", keeps_the_old),
    "rename_of_nothing": quiet("rename", NotFound),
    "quota_is_sane": silent("quota", Quota(used=-1)),
    "modified_is_kept": answered("write", later),
    "modified_is_kept_when_replacing": ("read", lambda honest, item, **_: Timeless(honest, item)),
    "modified_can_be_set": silent("set_modified"),
    "modified_of_a_folder_can_be_set": silent("set_modified"),
    "metadata_is_kept": ("read", lambda honest, item, **_: Timeless(honest, item)),
    "metadata_in_other_scripts": ("read", lambda honest, item, **_: Timeless(honest, item)),
    "describing_tells_more": answered("describe", lambda e: replace(e, metadata=NO_METADATA)),
    "digests_are_true": ("write", other_digest),
    "algorithms_are_honest": answered("write", lambda e: replace(e, digests=())),
    "parts_make_the_file": ("begin", visible_parts),
    "parts_at_once_and_out_of_order": ("finish", in_order_of_arrival),
    "parts_go_on_in_a_new_connection": ("resume", forgets_parts),
    "missing_part_is_refused": ("finish", finishes_anyway),
    "abandoned_parts_leave_nothing": silent("abandon"),
    "parts_replace_a_file": ("begin", visible_parts),
}
"""What makes each check fail; for all others `FLIPPED`."""
