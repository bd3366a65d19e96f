"""Items on the wire: what is to be copied, and what became of it.

Sizes are in bytes, times in seconds since 1970 UTC. Structs are arrays in MessagePack: fields are only ever added at the end.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from mover.core.model import Algorithm, Kind
from mover.core.states import State


class WireDigest(Struct, frozen=True, array_like=True):
    """A fingerprint of a whole file."""

    algorithm: Algorithm
    value: bytes


class WireEntry(Struct, frozen=True, array_like=True):
    """`core.model.Entry`, with its names as bytes."""

    id: bytes
    parent: bytes | None
    name: bytes
    kind: Kind
    size: int | None = None
    modified: datetime | None = None
    digests: tuple[WireDigest, ...] = ()
    version: bytes | None = None
    stored: datetime | None = None
    target: bytes | None = None
    content_type: str | None = None
    metadata: dict[str, bytes] = {}  # msgspec gives each struct its own


class WirePlanned(Struct, frozen=True, array_like=True):
    """A file to be copied. `key_id` is "" unless two items share the path; `folder_id` is `None` where nobody made the folder yet."""

    source: WireEntry
    path: bytes
    key_id: bytes
    folder_path: bytes
    folder_id: bytes | None
    name: bytes
    why: str
    there: WireEntry | None = None


class WireProof(Struct, frozen=True, array_like=True):
    """Why we believe that the destination holds the same bytes; digests in hexadecimal."""

    method: str
    algorithm: str | None = None
    source: str | None = None
    destination: str | None = None


class WireLine(Struct, frozen=True, array_like=True):
    """One item's state: `engine.journal.Line`."""

    path: bytes
    key_id: bytes
    kind: Kind
    state: State
    size: int | None = None
    modified: float | None = None
    version: bytes | None = None
    target: bytes | None = None
    code: str | None = None
    detail: str | None = None
    attempts: int = 0
    proof: WireProof | None = None


class WireSame(Struct, frozen=True, array_like=True):
    """Many files that the destination has already: paths and sizes, column by column."""

    paths: list[bytes]
    sizes: list[int]
    detail: str


class WireAttempt(Struct, frozen=True, array_like=True):
    """One try that failed, and why; `at` in seconds since 1970 UTC, by the runner's clock."""

    path: bytes
    key_id: bytes
    code: str
    detail: str
    at: float


class WireKey(Struct, frozen=True, array_like=True):
    """Which item."""

    path: bytes
    key_id: bytes


class WireKnown(Struct, frozen=True, array_like=True):
    """What the journal holds of an item from earlier passes."""

    path: bytes
    key_id: bytes
    state: State
    size: int | None
    modified: float | None
    version: bytes | None


class WirePart(Struct, frozen=True, array_like=True):
    """A part of an upload that the destination has."""

    number: int
    size: int
    tag: str


class WireUpload(Struct, frozen=True, array_like=True):
    """An upload under way. `state` may be a secret: it is sealed wherever it is kept, and never logged."""

    path: bytes
    key_id: bytes
    version: bytes
    state: bytes
    parts: list[WirePart]

    def __repr__(self) -> str:
        return f"WireUpload({self.path!r}, {len(self.parts)} parts)"
