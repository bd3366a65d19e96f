"""Ids that are paths, for providers that have no ids of their own."""

from __future__ import annotations

from mover.core.errors import Unfit
from mover.core.model import Entry, ItemId, Kind

ROOT = Entry(ItemId(""), None, "", Kind.FOLDER)
"""The root of a connection whose ids are paths."""


def child(folder: ItemId, name: str) -> ItemId:
    """The id of `name` in `folder`.

    Raises:
        Unfit: the name could leave the folder: it is empty, `.`, `..`, or holds a slash or a zero byte.
    """
    if name in ("", ".", "..") or "/" in name or "\x00" in name:
        raise Unfit(f"{name!r} is no name of a file or folder", item=name)
    return ItemId(f"{folder}/{name}" if folder else name)


def parent_of(item: ItemId) -> ItemId | None:
    """The folder an id lies in; `None` for the root."""
    return ItemId(item.rpartition("/")[0]) if item else None


def name_of(item: ItemId) -> str:
    """The last name of an id; "" for the root."""
    return item.rpartition("/")[2]
