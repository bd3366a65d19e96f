"""Whether the destination holds the bytes we read, and how we know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, cast

from mover.core.errors import Damaged
from mover.core.model import Algorithm, Digest, Entry
from mover.core.spec import Cap
from mover.crypto.digests import Hashers
from mover.engine.journal import Proof
from mover.engine.settings import Verify
from mover.engine.side import Side

COMPUTABLE: Final[frozenset[Algorithm]] = frozenset(
    {"md5", "sha1", "sha256", "sha512", "crc32c", "crc64nvme", "quickxor", "dropbox"}
)
"""Digests that follow from the bytes alone."""

READ_BACK: Final = cast("Algorithm", "sha256")
"""What is compared when a file is read again, as its provider has no digest."""


def needed(source: Entry, destination: Side, size: int | None, verify: Verify) -> frozenset[Algorithm]:
    """The digests to compute while the file passes: those that either side will be held to."""
    if verify == "none":
        return frozenset()
    theirs = destination.connector.algorithms(size) & COMPUTABLE
    wanted: set[Algorithm] = {d.algorithm for d in source.digests if d.algorithm in COMPUTABLE}
    wanted.update(theirs or (READ_BACK,))
    return frozenset(wanted)


def comparable(entry: Entry) -> Algorithm:
    """The digest by which a file is best compared with one that is read anew: one its provider tells, if it tells any."""
    for digest in entry.digests:
        if digest.algorithm in COMPUTABLE:
            return digest.algorithm
    return READ_BACK


def check_source(ours: Sequence[Digest], entry: Entry) -> None:
    """Hold what arrived against what the source says of it.

    Raises:
        Damaged: they differ.
    """
    for digest in ours:
        said = entry.digest(digest.algorithm)
        if said is not None and said.value != digest.value:
            raise Damaged(f"the source's {said.algorithm} is {said.hex}, but {digest.hex} arrived", item=entry.name)


async def prove(destination: Side, written: Entry, size: int, ours: Sequence[Digest], verify: Verify) -> Proof:
    """Hold what the destination has against what we sent.

    Raises:
        Damaged: length or content differ.
    """
    if written.size is not None and written.size != size:
        raise Damaged(f"{size} bytes were sent, but the destination has {written.size}", item=written.name)
    for digest in ours:
        theirs = written.digest(digest.algorithm)
        if theirs is not None:
            return _compared("digest", digest, theirs, written.name)
    if destination.can(Cap.EXECUTES):
        return Proof("executed")
    if verify == "none" or not ours:
        return Proof("size")
    mine = next((d for d in ours if d.algorithm == READ_BACK), ours[0])
    theirs = (await read_digests(destination, written, size, [mine.algorithm]))[0]
    return _compared("read-back", mine, theirs, written.name)


async def read_digests(
    side: Side, item: Entry, size: int | None, algorithms: Iterable[Algorithm]
) -> tuple[Digest, ...]:
    """Read a file from beginning to end for its digests.

    Raises:
        Damaged: it has another length than `size`.
    """
    hashers = Hashers(algorithms)
    count = 0
    async with side.connector.read(item) as body:
        if body.whole is not None:
            hashers.update(body.whole)
            count = len(body.whole)
        else:
            async for chunk in body.chunks():
                hashers.update(chunk)
                count += len(chunk)
    if size is not None and count != size:
        raise Damaged(f"{size} bytes were expected, but {count} are there", item=item.name)
    return hashers.digests()


def _compared(method: str, mine: Digest, theirs: Digest, name: str) -> Proof:
    if mine.value != theirs.value:
        raise Damaged(f"we sent {mine.algorithm} {mine.hex}, but the destination has {theirs.hex}", item=name)
    return Proof("digest" if method == "digest" else "read-back", mine.algorithm, mine.hex, theirs.hex)
