"""Large objects in parts.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html and qfacts.html (10,000 parts of 5 MiB to 5 GiB).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from mover.connectors.s3 import entries
from mover.connectors.s3.address import Object, split
from mover.connectors.s3.session import NONE, Session
from mover.connectors.s3.writing import put_part
from mover.connectors.s3.xml import Element, text
from mover.core.connector import Part, Upload
from mover.core.errors import Damaged, NotFound, Unreachable
from mover.core.model import Body, Digest, Entry, ItemId, Kind

SINGLE: Final = 16 << 20
"""Bytes up to which an object is stored in one request."""

SMALLEST: Final = 8 << 20
MOST: Final = 10_000
AT_ONCE: Final = 8
_MIB: Final = 1 << 20


class State(NamedTuple):
    """What is needed to go on: kept as JSON in `Upload.state`."""

    item: str
    upload: str
    size: int
    part_size: int


def part_size(size: int) -> int | None:
    """The size of parts: 8 MiB, or what 10,000 parts need, in whole MiB; `None` for what goes in one request."""
    if size <= SINGLE:
        return None
    return max(SMALLEST, -(-size // (MOST * _MIB)) * _MIB)


async def begin(session: Session, item: ItemId, headers: dict[str, str]) -> str:
    """Open an upload; answers its id."""
    _, root = await session.ask_xml("POST", session.where.of(item), {"uploads": ""}, headers)
    if not (upload := text(root, "UploadId")):
        raise Unreachable("the store began an upload without an id", item=item)
    return upload


def state_of(upload: Upload) -> State:
    """The state as it was written by `upload_of`."""
    return State(*json.loads(upload.state))


def upload_of(state: State, done: tuple[Part, ...] = ()) -> Upload:
    """The engine's view of a state."""
    return Upload(json.dumps(state), state.size, state.part_size, AT_ONCE, done)


async def resume(session: Session, told: str) -> Upload:
    """See `WritesParts.resume`: ListParts, page after page."""
    state = State(*json.loads(told))
    where, done, query = session.where.of(state.item), list[Part](), {"uploadId": state.upload}
    for _ in range(MOST):
        _, root = await session.ask_xml("GET", where, query)
        done += [part for element in root.iterfind("Part") if (part := _whole_part(element, state))]
        if text(root, "IsTruncated") != "true":
            return upload_of(state, tuple(done))
        query = {**query, "part-number-marker": text(root, "NextPartNumberMarker")}
    raise Unreachable("the list of parts does not end", item=state.item)


async def write_part(session: Session, upload: Upload, number: int, body: Body) -> Part:
    """See `WritesParts.write_part`."""
    state = state_of(upload)
    query = {"partNumber": str(number + 1), "uploadId": state.upload}
    tag, _ = await put_part(session, session.where.of(state.item), query, body)
    return Part(number, _expected(state, number) if body.size is None else body.size, tag)


async def finish(session: Session, upload: Upload, parts: Sequence[Part]) -> Entry:
    """See `WritesParts.finish`.

    Raises:
        Damaged: parts are missing, or the store's digest of the whole is not that of the parts' digests.
    """
    state = state_of(upload)
    ordered = sorted(parts, key=lambda part: part.number)
    if [p.number for p in ordered] != list(range(len(ordered))) or sum(p.size for p in ordered) != state.size:
        raise Damaged(f"{len(ordered)} parts do not make up the {state.size} bytes", item=state.item)
    return await complete(session, ItemId(state.item), state.upload, ordered)


async def complete(session: Session, item: ItemId, upload: str, parts: Sequence[Part]) -> Entry:
    """Make one object of parts that are in order and all there."""
    lines = [
        f"<Part><PartNumber>{p.number + 1}</PartNumber><ETag>{escape(_quoted(p.tag))}</ETag></Part>" for p in parts
    ]
    body = f'<CompleteMultipartUpload xmlns="{_NAMESPACE}">{"".join(lines)}</CompleteMultipartUpload>'.encode()
    headers = {"content-type": "application/xml"}
    answer, root = await session.ask_xml("POST", session.where.of(item), {"uploadId": upload}, headers, body)
    tag = entries.tag_of(text(root, "ETag"))
    digests = () if entries.keyed(answer) else entries.tag_digest(tag)
    for digest in digests:
        if digest.algorithm == "md5-of-parts" and (told := _of_parts(parts)) is not None and told != digest:
            raise Damaged(f"the store's digest of the parts is {digest.hex}, not {told.hex}", item=item)
    if crc := root.findtext("ChecksumCRC64NVME"):
        digests += entries.checksum("crc64nvme", crc, root.findtext("ChecksumType"))
    folder, name = split(item)
    return Entry(item, folder, name, Kind.FILE, sum(p.size for p in parts), digests=digests, version=tag)


async def abandon(session: Session, item: ItemId, upload: str) -> None:
    """Drop the parts; an upload that is gone is no error."""
    where: Object = session.where.of(item)
    try:
        await session.ask("DELETE", where, {"uploadId": upload}, NONE)
    except NotFound:
        return


_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


def _whole_part(element: Element, state: State) -> Part | None:
    number, size = int(text(element, "PartNumber")) - 1, int(text(element, "Size"))
    whole = number >= 0 and size == _expected(state, number)
    return Part(number, size, entries.tag_of(text(element, "ETag")) or "") if whole else None


def _expected(state: State, number: int) -> int:
    return min(state.part_size, state.size - number * state.part_size)


def _quoted(tag: str) -> str:
    return f'"{tag}"'


def _of_parts(parts: Sequence[Part]) -> Digest | None:
    """The ETag that S3 gives to such parts; `None` if a tag is no MD5."""
    tags = [entries.tag_digest(part.tag) for part in parts]
    if not all(len(tag) == 1 and tag[0].algorithm == "md5" for tag in tags):
        return None
    whole = hashlib.md5(b"".join([tag[0].value for tag in tags]), usedforsecurity=False).digest()
    return Digest("md5-of-parts", whole + len(parts).to_bytes(4, "big"))
