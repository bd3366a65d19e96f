"""The verbs every connector has, and the optional ones it may declare."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from mover.core.model import Algorithm, Attributes, Batch, Body, Cursor, Digest, Download, Entry, ItemId, Page, Quota
from mover.core.spec import Cap

NOTHING: Final = Attributes()


class Connector(Protocol):
    """One open connection to one account at one provider.

    Every method is safe to call again after a failure, and many calls may run at once. None of them retries by itself:
    pacing and retrying are the engine's, so that they are the same everywhere. Failures are `core.errors`.
    """

    @property
    def caps(self) -> Cap:
        """What this account can do: the spec's capabilities, less what the tenant or server lacks."""
        ...

    async def root(self) -> Entry:
        """The folder that everything else lies in. Also the cheapest proof that the connection works."""
        ...

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        """One page of a folder. Raises `NotFound` if the folder is gone."""
        ...

    def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AbstractAsyncContextManager[Download]:
        """The item's bytes from `start` up to, not including, `end`; either needs `Cap.RANGED_READ`.

        The body's `size` is that of the range. A small item may come with `whole` set. Raises `NotFound`, and `Changed` if
        the item is no longer the one that `item.version` names, at the latest at the end of the stream.
        """
        ...

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        """Store `body` whole or not at all; nothing partial is ever visible under `name`. What was there is replaced.

        Raises `Damaged` if the body's length is not its `size`, or if the provider says it received other bytes. The answer
        carries the size and every digest that the provider reported of what it now holds: never one we made ourselves.
        """
        ...

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        """Make a folder, or return the one that is there. Raises `Conflict` if a file is there."""
        ...

    async def remove(self, item: ItemId) -> None:
        """Remove a file or an empty folder; one that is already gone is no error."""
        ...

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        """Which digests `write` will report for a file of `size` bytes; empty where the provider has none."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that the destination has safely: numbered from 0, with the provider's own tag for it."""

    number: int
    size: int
    tag: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A large file half-way into its destination.

    `state` is all that is needed to go on after a crash (upload id, session URL); it may be a secret and is sealed wherever
    it is kept. Every part but the last has `part_size` bytes. `at_once` is how many parts may be on their way together;
    1 means: strictly in order. `done` are the parts the destination already has.
    """

    state: str = field(repr=False)
    size: int
    part_size: int
    at_once: int
    done: tuple[Part, ...] = ()


@runtime_checkable
class WritesParts(Protocol):
    """`Cap.PARTS`: large files arrive in parts, some at once, and go on where they stopped after a crash."""

    def part_size(self, size: int) -> int | None:
        """The size of parts for a file of `size` bytes; `None` if it is small enough for `write`."""
        ...

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload: ...

    async def resume(self, state: str) -> Upload:
        """Ask the destination what it has. Raises `NotFound` if it has forgotten the upload."""
        ...

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part: ...

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        """Make the file visible, whole, under its name. As for `write`, the answer carries what the provider reported."""
        ...

    async def abandon(self, upload: Upload) -> None:
        """Drop the parts; nothing stays behind. An upload that is already gone is no error."""
        ...


@runtime_checkable
class ListsDeep(Protocol):
    """`Cap.DEEP_LISTING`: everything below a folder in one stream, in the byte order of the paths."""

    def list_deep(self, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
        """All rows, or those behind the path `after`; where a provider cannot begin there, rows before it come again."""
        ...

    def entry_of(self, folder: ItemId, batch: Batch, index: int) -> Entry:
        """The entry that row `index` stands for; made only for the rows that need one."""
        ...


@runtime_checkable
class Finds(Protocol):
    """`Cap.FIND`: the item at a path in one or two calls."""

    async def find(self, path: str) -> Entry:
        """The item at a "/"-joined path below the root. Raises `NotFound`."""
        ...


@runtime_checkable
class Describes(Protocol):
    """`Cap.DESCRIBE`: one call tells more of an item than its listing does (times and metadata of a bucket's objects)."""

    async def describe(self, item: Entry) -> Entry:
        """The item with `modified`, `metadata` and `content_type` as far as the provider keeps them. Raises `NotFound`."""
        ...


@runtime_checkable
class ImpliesFolders(Protocol):
    """`Cap.IMPLIED_FOLDERS`: a file may be written into a folder that nobody made, as in a bucket."""

    def folder_at(self, folder: ItemId, name: str) -> ItemId | None:
        """The id that the folder `name` in `folder` has or would have; `None` if it must be made (a bucket). No call is made."""
        ...


@runtime_checkable
class Renames(Protocol):
    """`Cap.RENAME`."""

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        """Give the item another name or folder; what stood there is replaced."""
        ...


@runtime_checkable
class CopiesInside(Protocol):
    """`Cap.COPY_INSIDE`: the provider copies by itself; no byte passes through us."""

    async def copy_inside(self, item: Entry, folder: ItemId, name: str, attributes: Attributes = NOTHING) -> Entry: ...


@runtime_checkable
class SetsModified(Protocol):
    """`Cap.SET_MODIFIED`: the time of a file or folder that is there already."""

    async def set_modified(self, item: ItemId, modified: datetime) -> None: ...


@runtime_checkable
class TellsQuota(Protocol):
    """`Cap.QUOTA`."""

    async def quota(self) -> Quota: ...


@runtime_checkable
class TellsDigest(Protocol):
    """A provider that can be asked for the digest of an item it holds (no capability flag: it is only ever an economy)."""

    async def digest_of(self, item: Entry) -> Digest | None: ...


OPTIONAL: Final[dict[Cap, type]] = {
    Cap.RENAME: Renames,
    Cap.COPY_INSIDE: CopiesInside,
    Cap.SET_MODIFIED: SetsModified,
    Cap.DEEP_LISTING: ListsDeep,
    Cap.PARTS: WritesParts,
    Cap.FIND: Finds,
    Cap.QUOTA: TellsQuota,
    Cap.DESCRIBE: Describes,
    Cap.IMPLIED_FOLDERS: ImpliesFolders,
}
"""Which protocol stands behind which capability; the conformance suite holds the two together."""
