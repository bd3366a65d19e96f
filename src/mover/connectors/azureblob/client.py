"""The Azure Blob connector. Ids are names of blobs: "a/b" is a file, "a/b/" a folder."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from mover.connectors._kit.bodies import BytesDownload, StreamDownload, measured
from mover.connectors.azureblob import entries, listing
from mover.connectors.azureblob import parts as blocks
from mover.connectors.azureblob.address import address, file_in, folder_in
from mover.connectors.azureblob.session import Session, credentials
from mover.connectors.azureblob.spec import SPEC
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import Changed, Conflict, Damaged, NotFound
from mover.core.model import Algorithm, Attributes, Batch, Body, Cursor, Digest, Download, Entry, ItemId, Kind, Page
from mover.core.options import Options
from mover.core.spec import Cap
from mover.net.http import HttpSettings, StreamedAnswer, http

ROOT: Final = Entry(ItemId(""), None, "", Kind.FOLDER)
WHOLE: Final = 1 << 18
"""Files up to this many bytes are read in one go."""


class AzureBlob:
    """One container, or a folder in it."""

    caps: Cap = SPEC.caps

    def __init__(self, session: Session) -> None:
        self._session = session

    async def root(self) -> Entry:
        await listing.answer(self._session, "", None, delimiter=True, limit=1)
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        return await listing.page(self._session, folder, after)

    def list_deep(self, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
        del after  # only a marker of the service's own says where a listing goes on
        return listing.deep(self._session, folder)

    def entry_of(self, folder: ItemId, batch: Batch, index: int) -> Entry:
        return listing.entry_of(folder, batch, index)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        try:
            async with self._reading(item, start, end) as download:
                yield download
        except Changed:
            await self.describe(item)  # a condition on a file that is gone is no longer met, either: NotFound
            raise

    async def describe(self, item: Entry) -> Entry:
        answer = await self._session.ask("HEAD", self._file(item.id), item=item.id)
        return entries.file(item.id, answer, int(answer.header("content-length") or 0))

    async def find(self, path: str) -> Entry:
        if not path.strip("/"):
            return await self.root()
        item = ItemId(path.strip("/"))
        try:
            return await self.describe(Entry(item, None, "", Kind.FILE))
        except NotFound:
            got = await listing.answer(self._session, f"{item}/", None, delimiter=False, limit=1)
            if not got.blobs:
                raise
        return entries.folder(ItemId(f"{item}/"))

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        item = file_in(folder, name)
        path = self._session.where.of(item)
        headers = {"x-ms-blob-type": "BlockBlob", **entries.attribute_headers(attributes, item)}
        if (md5 := next((d for d in body.digests if d.algorithm == "md5"), None)) is not None:
            headers |= _md5_headers(md5)
        whole, size = body.whole, body.size
        if whole is None and size is None:
            return await self._unsized(item, body, headers, attributes)
        if whole is not None:
            if size not in (None, len(whole)):
                raise Damaged(f"expected {size} bytes, got {len(whole)}", item=name)
            answer = await self._session.ask("PUT", path, {}, headers, whole, item=item)
            return entries.file(item, answer, len(whole), attributes)
        answer = await self._session.put_stream(path, {}, headers, body.chunks(), size or 0, item)
        return entries.file(item, answer, size, attributes)

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        marker = folder_in(folder, name)
        try:
            await self.describe(Entry(ItemId(marker[:-1]), folder, name, Kind.FILE))
        except NotFound:
            headers = {"x-ms-blob-type": "BlockBlob", f"x-ms-meta-{entries.FOLDER}": "true"}
            await self._session.ask("PUT", self._session.where.of(marker), {}, headers, b"", item=marker)
            return entries.folder(marker)
        raise Conflict("a file stands there", item=name)

    def folder_at(self, folder: ItemId, name: str) -> ItemId:
        return folder_in(folder, name)

    async def remove(self, item: ItemId) -> None:
        if item.endswith("/"):
            got = await listing.answer(self._session, item, None, delimiter=False, limit=2)
            if any(listing.name_of(blob) != self._session.where.base + item for blob in got.blobs):
                raise Conflict("the folder is not empty", item=item)
        try:
            await self._session.ask("DELETE", self._session.where.of(item), item=item)
        except NotFound:
            return

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return SPEC.digests if size is not None and blocks.part_size(size) is None else frozenset()

    def part_size(self, size: int) -> int | None:
        return blocks.part_size(size)

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        return await blocks.begin(self._session, folder, name, size, attributes)

    async def resume(self, state: str) -> Upload:
        return await blocks.resume(self._session, state)

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        return await blocks.write_part(self._session, upload, number, body)

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        return await blocks.finish(self._session, upload, parts)

    async def abandon(self, upload: Upload) -> None:
        await blocks.abandon(self._session, upload)

    @asynccontextmanager
    async def _reading(self, item: Entry, start: int, end: int | None) -> AsyncGenerator[Download]:
        path, headers = self._file(item.id), _read_headers(item, start, end)
        if end is not None and end <= start:
            yield BytesDownload(await self.describe(item), b"")
        elif start == 0 and end is None and item.size is not None and item.size <= WHOLE:
            answer = await self._session.ask("GET", path, headers=headers, item=item.id)
            yield BytesDownload(entries.file(item.id, answer, len(answer.body)), answer.body)
        else:
            async with self._session.get_stream(path, headers, item.id) as answer:
                size = int(answer.header("content-length") or 0)
                total = (answer.header("content-range") or "").rpartition("/")[2]
                entry = entries.file(item.id, answer, int(total) if total.isdigit() else size)
                yield StreamDownload(entry, size, lambda: _pieces(answer))

    def _file(self, item: str) -> str:
        if not item or item.endswith("/"):
            raise NotFound("a folder cannot be read", item=item)
        return self._session.where.of(item)

    async def _unsized(self, item: ItemId, body: Body, headers: dict[str, str], attributes: Attributes) -> Entry:
        held = bytearray()
        chunks = measured(body, item)
        async for chunk in chunks:
            held += chunk
            if len(held) > blocks.BLOCK:
                return await blocks.write_unsized(self._session, item, bytes(held), chunks, attributes)
        answer = await self._session.ask("PUT", self._session.where.of(item), {}, headers, bytes(held), item=item)
        return entries.file(item, answer, len(held), attributes)


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[AzureBlob]:
    """A pool of connections to one container; the first request opens the first of them."""
    where = address(options)
    signer, token = credentials(options)
    ca_file = options.text("ca_file")
    settings = HttpSettings(ca_file=Path(ca_file) if ca_file else None, allow_plain=where.plain)
    async with http(settings) as client:
        yield AzureBlob(Session(client, where, signer, token))


def _read_headers(item: Entry, start: int, end: int | None) -> dict[str, str]:
    headers = {"if-match": f'"{item.version}"'} if item.version else {}
    if start or end is not None:
        headers["x-ms-range"] = f"bytes={start}-{'' if end is None else end - 1}"
    return headers


def _md5_headers(md5: Digest) -> dict[str, str]:
    """The store compares the first, and keeps the second."""
    value = base64.b64encode(md5.value).decode()
    return {"content-md5": value, "x-ms-blob-content-md5": value}


async def _pieces(answer: StreamedAnswer) -> AsyncIterator[bytes]:
    while piece := await answer.read():
        yield piece
