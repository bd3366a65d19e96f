"""What a run writes down: one line for each change of an item's state, and what an interrupted upload needs to go on.

The journal is the truth of a run. On one machine it is a file (`local_journal`); on a runner, requests to the control plane. The
engine writes lines without waiting; whoever keeps them makes them durable within a fraction of a second, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mover.core.connector import Part
from mover.core.model import Entry, Kind
from mover.core.states import State

Key = tuple[str, str]
"""An item in a run: its path below the source folder. Where two items share a path, the second one's key holds its id too, else ""."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Why we believe that the destination holds the same bytes.

    `method` is how it was found out: `digest`, the provider reported the digest we computed on the way; `read-back`, we read the file
    again; `parts`, every part was confirmed by itself; `executed`, the destination carried it out without an error (SQL);
    `size`, nothing but the length (only with `--verify none`). `source` and
    `destination` are hexadecimal digests.
    """

    method: Literal["digest", "read-back", "parts", "executed", "size"]
    algorithm: str | None = None
    source: str | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One item's state. `size` in bytes; `modified` in seconds since 1970 UTC; `code` and `detail` say why it is not copied."""

    path: str
    id: str
    kind: Kind
    state: State
    size: int | None = None
    modified: float | None = None
    version: str | None = None
    target: str | None = None  # the path at the destination, where it is another
    code: str | None = None
    detail: str | None = None
    attempts: int = 0
    proof: Proof | None = None

    @property
    def key(self) -> Key:
        """Which item this is about."""
        return self.path, self.id


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal already holds of an item."""

    state: State
    size: int | None
    modified: float | None
    version: str | None

    def is_of(self, entry: Entry) -> bool:
        """Whether the source still shows the item as it was then."""
        modified = None if entry.modified is None else entry.modified.timestamp()
        return (self.size, self.modified, self.version) == (entry.size, modified, entry.version)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that failed, and why."""

    path: str
    id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class KeptUpload:
    """An upload that a run before this one began. `state` is what `WritesParts.resume` wants."""

    state: str
    version: str
    parts: tuple[Part, ...]


class Journal(Protocol):
    """Where the lines go."""

    def write(self, line: Line) -> None:
        """Keep a line. A later line of the same item replaces it."""
        ...

    def write_same(self, files: Sequence[tuple[str, int]], detail: str) -> None:
        """Keep many files, each a path and a size, that the destination has already; as `write`, but cheap."""
        ...

    def write_seen(self, key: Key) -> None:
        """Keep that this pass met an item which an earlier one had copied, and which is still the same."""
        ...

    def note(self, attempt: Attempt) -> None:
        """Keep a failed attempt, with its reason."""
        ...

    async def settled(self) -> None:
        """Wait until so much is written that memory stays bounded; returns at once if nothing presses."""
        ...

    async def kept(self, key: Key) -> None:
        """Wait until the last line of an item is durable; returns at once if it is."""
        ...

    async def flush(self) -> None:
        """Wait until every line so far is durable."""
        ...

    async def known(self, keys: Sequence[Key]) -> dict[Key, Known]:
        """What is known of these items from earlier passes of this run; items never seen are absent."""
        ...

    async def upload_of(self, key: Key) -> KeptUpload | None: ...

    async def keep_upload(self, key: Key, upload: KeptUpload) -> None:
        """Durable when this returns: a crash right after it finds the upload again. It replaces what was kept of the item."""
        ...

    async def keep_part(self, key: Key, part: Part) -> None:
        """Add a part to the upload that is kept; durable when this returns."""
        ...

    async def forget_upload(self, key: Key) -> None: ...

    async def uploads(self) -> list[tuple[Key, KeptUpload]]:
        """Every upload that is kept; they are few."""
        ...

    async def end_pass(self) -> None:
        """The scan of this pass is complete: items planned earlier that it did not meet are gone from the source."""
        ...
