"""Large blobs in blocks. A block's name holds the upload's own token and the number of the part.

The store keeps blocks that were never committed for a week, invisible, and has no call to drop them. So that an upload can be known
to be alive, or given up, without that: a block of one byte is sent when it begins, and one of two bytes takes its place when it ends.
Source: https://learn.microsoft.com/rest/api/storageservices/put-block, put-block-list, get-block-list.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mover.connectors.azureblob import entries
from mover.connectors.azureblob.address import file_in
from mover.connectors.azureblob.session import Session
from mover.connectors.azureblob.xml import parse
from mover.core.connector import Part, Upload
from mover.core.errors import Damaged, NotFound
from mover.core.model import Attributes, Body, Entry, ItemId

BLOCK: Final = 8 << 20
BLOCKS: Final = 50_000
SMALL: Final = 32 << 20
"""Files up to this size go in one request."""

AT_ONCE: Final = 4
ALIVE: Final = 99_999
"""The number of the block that says whether an upload is alive."""


def part_size(size: int) -> int | None:
    """The size of blocks for a blob of `size` bytes, a whole number of MiB; `None` if it goes in one request."""
    if size <= SMALL:
        return None
    return max(BLOCK, -(-size // (BLOCKS << 20)) << 20)


@dataclass(frozen=True, slots=True)
class Blocks:
    """An upload: what its state holds."""

    item: ItemId
    size: int
    part: int
    token: str
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def state(self) -> str:
        return json.dumps([self.item, self.size, self.part, self.token, self.headers])

    def block(self, number: int) -> str:
        """The store's name for a part: base64, of one length for all."""
        return base64.b64encode(f"{self.token}{number:05}".encode()).decode()

    def number(self, block: str) -> int | None:
        """The part behind the store's name; `None` if it is another upload's."""
        text = base64.b64decode(block).decode("ascii", "replace")
        return int(text[-5:]) if text[:-5] == self.token and text[-5:].isdigit() else None

    def bytes_of(self, number: int) -> int:
        return min(self.part, self.size - number * self.part)


def blocks_of(state: str) -> Blocks:
    """The upload behind a state. Raises `NotFound` if it is none."""
    try:
        return Blocks(*json.loads(state))
    except (ValueError, TypeError) as problem:
        raise NotFound("the upload cannot be found again") from problem


async def begin(session: Session, folder: ItemId, name: str, size: int, attributes: Attributes) -> Upload:
    item = file_in(folder, name)
    blocks = Blocks(
        item, size, part_size(size) or BLOCK, secrets.token_hex(8), entries.attribute_headers(attributes, item)
    )
    await _put(session, blocks, ALIVE, b"1")
    return Upload(blocks.state, size, blocks.part, AT_ONCE)


async def resume(session: Session, state: str) -> Upload:
    """What the store has. Raises `NotFound` if it is not alive."""
    blocks = blocks_of(state)
    query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
    answer = await session.ask("GET", session.where.of(blocks.item), query, item=blocks.item)
    found: dict[int, int] = {}
    for block in parse(answer.body).iter("Block"):
        number = blocks.number(block.findtext("Name") or "")
        if number is not None:
            found[number] = int(block.findtext("Size") or 0)
    if found.pop(ALIVE, 0) != 1:
        raise NotFound("the store has forgotten the upload", item=blocks.item)
    done = tuple(Part(n, size, blocks.block(n)) for n, size in sorted(found.items()) if size == blocks.bytes_of(n))
    return Upload(state, blocks.size, blocks.part, AT_ONCE, done)


async def write_part(session: Session, upload: Upload, number: int, body: Body) -> Part:
    """Send one block, with its MD5 where the bytes are at hand, else comparing the one that the store answers."""
    blocks = blocks_of(upload.state)
    size = blocks.bytes_of(number)
    if body.size not in (None, size):
        raise Damaged(f"part {number} has {body.size} bytes, not {size}", item=blocks.item)
    if body.whole is not None:
        if len(body.whole) != size:
            raise Damaged(f"part {number} has {len(body.whole)} bytes, not {size}", item=blocks.item)
        await _put(session, blocks, number, body.whole)
    else:
        await _stream(session, blocks, number, body)
    return Part(number, size, blocks.block(number))


async def finish(session: Session, upload: Upload, parts: Sequence[Part]) -> Entry:
    """Commit the blocks. Asked again after it was done, it answers the same."""
    blocks = blocks_of(upload.state)
    missing = set(range(-(-blocks.size // blocks.part))) - {part.number for part in parts}
    if missing:
        raise Damaged(f"{len(missing)} parts are missing, the first is {min(missing)}", item=blocks.item)
    return await commit(session, blocks)


async def abandon(session: Session, upload: Upload) -> None:
    """Mark the upload as given up; the store drops its blocks within a week. They were never visible."""
    await _put(session, blocks_of(upload.state), ALIVE, b"00")


async def commit(session: Session, blocks: Blocks) -> Entry:
    """Make all blocks, in order, the blob."""
    count = -(-blocks.size // blocks.part)
    names = "".join(f"<Latest>{blocks.block(n)}</Latest>" for n in range(count))
    body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{names}</BlockList>'.encode()
    headers = {"content-type": "application/xml", **blocks.headers}
    answer = await session.ask(
        "PUT", session.where.of(blocks.item), {"comp": "blocklist"}, headers, body, item=blocks.item
    )
    # The answer's MD5 would be that of the list of blocks; its headers lack what was just set.
    attributes = entries.attributes_of(blocks.headers)
    return replace(entries.file(blocks.item, answer, blocks.size, attributes), digests=())


async def write_unsized(
    session: Session, item: ItemId, first: bytes, chunks: AsyncIterator[bytes], attributes: Attributes
) -> Entry:
    """A body of unknown size, block by block; nothing is visible before the last."""
    blocks = Blocks(item, 0, BLOCK, secrets.token_hex(8), entries.attribute_headers(attributes, item))
    held, size, number = bytearray(first), 0, 0
    async for chunk in chunks:
        held += chunk
        while len(held) > BLOCK:
            await _put(session, blocks, number, bytes(held[:BLOCK]))
            del held[:BLOCK]
            size, number = size + BLOCK, number + 1
    await _put(session, blocks, number, bytes(held))
    return await commit(session, Blocks(item, size + len(held), BLOCK, blocks.token, blocks.headers))


async def _put(session: Session, blocks: Blocks, number: int, data: bytes) -> None:
    digest = await asyncio.to_thread(lambda: hashlib.md5(data, usedforsecurity=False).digest())
    headers = {"content-md5": base64.b64encode(digest).decode()}
    query = {"comp": "block", "blockid": blocks.block(number)}
    await session.ask("PUT", session.where.of(blocks.item), query, headers, data, item=blocks.item)


async def _stream(session: Session, blocks: Blocks, number: int, body: Body) -> None:
    running = hashlib.md5(usedforsecurity=False)

    async def watched() -> AsyncGenerator[bytes]:
        async for chunk in body.chunks():
            running.update(chunk)
            yield chunk

    query = {"comp": "block", "blockid": blocks.block(number)}
    size = blocks.bytes_of(number)
    answer = await session.put_stream(session.where.of(blocks.item), query, {}, watched(), size, blocks.item)
    told = entries.md5_of(answer.header("content-md5"))
    if told and told[0].value != running.digest():
        raise Damaged(f"the store received other bytes in part {number}", item=blocks.item)
