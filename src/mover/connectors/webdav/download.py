"""One GET: what is asked, and whether the answer is the item, and the part of it, that was asked for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from mover.connectors.webdav.entries import checksums_in, date_in, version_of
from mover.connectors.webdav.servers import Traits
from mover.connectors.webdav.session import PARTIAL
from mover.core.errors import Changed, Damaged, Refused
from mover.core.model import Entry
from mover.net.http import Answer, StreamedAnswer

SMALL: Final = 1 << 20
"""Bytes up to which a file is read in one piece."""
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def nothing_to_read(start: int, end: int | None) -> bool:
    """Whether the range is empty; HTTP has no way to ask for that."""
    return end is not None and end <= start


def is_small(item: Entry) -> bool:
    """Whether the item is read in one piece."""
    return item.size is not None and 0 < item.size <= SMALL


def headers_for(item: Entry, start: int, end: int | None) -> dict[str, str]:
    """The headers of a GET. A range that is the whole file is not asked for as one: some servers refuse it of an empty file."""
    to_the_end = end is None or (item.size is not None and end >= item.size)
    if start == 0 and to_the_end:
        # a small file may have grown meanwhile, beyond what fits in memory
        return {"range": f"bytes=0-{SMALL - 1}"} if is_small(item) else {}
    return {"range": f"bytes={start}-" if to_the_end or end is None else f"bytes={start}-{end - 1}"}


def whole(data: bytes, size: int | None, item: Entry) -> bytes:
    """The bytes of an answer, if they are as many as it said."""
    if size is not None and len(data) != size:
        raise Damaged(f"expected {size} bytes, got {len(data)}", item=item.id)
    return data


async def pieces(answer: StreamedAnswer, size: int | None, item: Entry) -> AsyncIterator[bytes]:
    """The bytes of an answer, as they arrive. Raises `Damaged` at the end if they were not `size`."""
    count = 0
    while chunk := await answer.read():
        count += len(chunk)
        yield chunk
    if size is not None and count != size:
        raise Damaged(f"expected {size} bytes, got {count}", item=item.id)


def opened(
    answer: Answer | StreamedAnswer, item: Entry, start: int, end: int | None, traits: Traits
) -> tuple[Entry, int | None]:
    """The item as it is now, and how many bytes of it are coming (`None`: the server does not tell).

    Raises:
        Changed: the file is another one than `item` names, by its ETag, its time or its size.
        Refused: the server sends another range than the one that was asked for.
    """
    length = answer.header("content-length")
    size = int(length) if length is not None and length.isdigit() else None
    total = size
    if answer.status == PARTIAL:
        got = _RANGE.fullmatch(answer.header("content-range") or "")
        if got is None or int(got[1]) != start or (end is not None and int(got[2]) >= end):
            raise Refused("the server sent another range than was asked for", item=item.id)
        size, total = int(got[2]) - start + 1, None if got[3] == "*" else int(got[3])
    elif start or (end is not None and (item.size is None or end < item.size)):
        raise Refused("the server cannot send a part of a file", item=item.id)
    version = _same_version(answer, item)
    if total is not None and item.size is not None and total != item.size:
        raise Changed(f"it had {item.size} bytes, and has {total}", item=item.id)
    digests = item.digests or (checksums_in(answer.header("oc-checksum")) if traits.checksums else ())
    modified = item.modified or date_in(answer.header("last-modified"))
    kind = answer.header("content-type")
    whole_size = item.size if total is None else total
    entry = Entry(
        item.id,
        item.parent,
        item.name,
        item.kind,
        whole_size,
        modified,
        digests,
        version,
        item.stored,
        content_type=kind,
    )
    return entry, size


def _same_version(answer: Answer | StreamedAnswer, item: Entry) -> str | None:
    tag, date = answer.header("etag"), answer.header("last-modified")
    if item.version is None:
        return version_of(tag, date)
    now = version_of(None, date) if item.version.startswith("at ") else version_of(tag, None)
    if now is not None and now != item.version:
        raise Changed("it is not the file that was listed", item=item.id)
    return item.version
