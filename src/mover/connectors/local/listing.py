"""Lists folders page by page, in the order of the names, so that a listing can go on in another connection."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from collections import OrderedDict
from typing import Final

from mover.connectors.local.tree import Tree, entry_at
from mover.core.model import Cursor, Entry, ItemId, Page

PAGE: Final = 5_000
"""Entries per page: some tens of milliseconds of work in a thread."""

KEPT: Final = 8
"""How many half-read folders are remembered; for others their names are read again."""


class Listing:
    """The names of folders whose listing has begun. A cursor is the last name of a page, so nothing here must survive."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._names: OrderedDict[ItemId, list[str]] = OrderedDict()

    def page(self, folder: ItemId, after: Cursor | None) -> Page:
        """One page. Blocks; raises `OSError`. What vanishes between two pages is left out; what appears may be."""
        with self._tree.folder(folder) as at:
            names = self._names.pop(folder, None) if after is not None else None
            if names is None:
                names = sorted(os.listdir(at))  # noqa: PTH208  # pathlib cannot list an open folder
            start = 0 if after is None else bisect_right(names, str(after))
            chosen = names[start : start + PAGE]
            entries = tuple(e for name in chosen if (e := _there(at, folder, name)) is not None)
        if start + PAGE >= len(names):
            return Page(entries)
        self._keep(folder, names)
        return Page(entries, Cursor(chosen[-1]))

    def _keep(self, folder: ItemId, names: list[str]) -> None:
        self._names[folder] = names
        while len(self._names) > KEPT:
            with contextlib.suppress(KeyError):  # another thread may have been quicker
                self._names.popitem(last=False)


def _there(at: int, folder: ItemId, name: str) -> Entry | None:
    try:
        return entry_at(at, folder, name)
    except FileNotFoundError:
        return None
