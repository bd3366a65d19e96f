"""The nouns of Mover. Frozen, small, no I/O; every other room speaks in these."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal, NewType, Protocol

ItemId = NewType("ItemId", str)
"""The provider's own name for an item: an opaque id, or a path where it has no ids.

Path-like ids are relative to the connection's root, joined by "/", without a leading one; the root is "".
Names that are not UTF-8 are carried by surrogate escapes (PEP 383)."""

Cursor = NewType("Cursor", str)
"""Where a listing stopped; opaque to all but the connector that made it."""

Algorithm = Literal[
    "md5", "sha1", "sha256", "sha512", "crc32c", "crc64nvme", "quickxor", "dropbox", "md5-of-parts", "opaque"
]
"""How a digest was made. `md5-of-parts` is the ETag of an S3 multipart upload: the value is the raw MD5 followed by the
count of parts as 4 bytes, big-endian; it can be compared but not computed without the part size. `opaque` is a content
tag of which only equality within one provider is known."""


class Kind(Enum):
    """What an item is."""

    FILE = "file"
    FOLDER = "folder"
    NATIVE = "native"  # a document that lives only in its provider and must be exported
    LINK = "link"  # a symbolic link or shortcut; `Entry.target` says where to
    OTHER = "other"  # a device, socket or pipe: never copied, always reported
    FOREIGN = "foreign"  # behind the user's own encryption: what was not encrypted with this key

    @property
    def worded(self) -> str:
        """With its article, as a sentence wants it."""
        return "a device, pipe or socket" if self is Kind.OTHER else f"a {self.value}"


@dataclass(frozen=True, slots=True)
class Digest:
    """A fingerprint of a file's whole content."""

    algorithm: Algorithm
    value: bytes

    @property
    def hex(self) -> str:
        """The value in lower-case hexadecimal."""
        return self.value.hex()


NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as its provider reports it.

    `size` is in bytes; `modified` is when its owner last changed it: an aware UTC time, as precise as the provider keeps it, and `None`
    where a listing does not know it. `stored` is when the provider received it, by its own clock: all that a bucket's listing tells.
    `version` changes whenever the content does (an ETag, a revision); `None` where the provider has nothing of the kind. `metadata` is
    what a user attached to the item (S3's `x-amz-meta-*`), by lower-case name; a listing may leave it and `content_type` out.
    """

    id: ItemId
    parent: ItemId | None
    name: str
    kind: Kind
    size: int | None = None
    modified: datetime | None = None
    digests: tuple[Digest, ...] = ()
    version: str | None = None
    stored: datetime | None = None
    target: str | None = None
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)

    def digest(self, algorithm: Algorithm) -> Digest | None:
        """The digest of that kind, if the provider gave it."""
        return next((d for d in self.digests if d.algorithm == algorithm), None)


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of one folder, and where the next ones begin (`None`: these were the last)."""

    entries: tuple[Entry, ...]
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a file carries beside its bytes, to be kept at the destination as far as it can.

    `mark` is not kept: where the file can be seen before it is whole, it goes into its name (`core.temporary`), so that who began it
    can find it again.
    """

    modified: datetime | None = None
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """Room in an account, in bytes; `None` is unknown or unlimited."""

    used: int | None = None
    total: int | None = None
    free: int | None = None


class Body(Protocol):
    """The bytes of a file on their way.

    `size` is in bytes, `None` if nobody knows it yet. `digests` are those already known before a byte is read.
    """

    @property
    def size(self) -> int | None: ...

    @property
    def digests(self) -> tuple[Digest, ...]: ...

    @property
    def whole(self) -> bytes | None:
        """All the bytes, where they are at hand already (small files); `None` means: read `chunks`."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes in order, in pieces of at most a few MiB. Can be read once, unless the maker promises more."""
        ...


class Download(Body, Protocol):
    """A body that a provider sends us."""

    @property
    def entry(self) -> Entry:
        """The item as the provider described it when reading began: fresher and fuller than the listing."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Some files below a prefix, column by column, for listings of millions.

    All columns have one length. `paths` are relative to the listed folder and "/"-joined; over all batches they come in
    the byte order of their UTF-8 form, each once. `stored` is when the provider received them, in seconds since 1970 UTC. Folder markers
    (paths ending in "/") have size 0.
    """

    paths: list[str]
    sizes: list[int]
    stored: Sequence[float]
    tags: list[str | None] = field(default_factory=list[str | None])
    """The provider's content tag (ETag) as it is written, without quotes. `ListsDeep.entry_of` knows what digest it is."""

    def after(self, path: str) -> Batch:
        """The rows behind `path`, in the order of the UTF-8 forms."""
        raw = _raw(path)
        if not self.paths or not path or _raw(self.paths[0]) > raw:
            return self
        at = bisect_right(self.paths, raw, key=_raw)
        return Batch(self.paths[at:], self.sizes[at:], self.stored[at:], self.tags[at:])


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
