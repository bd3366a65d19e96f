"""The S3 connector: its verbs, each in a module of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from mover.connectors.s3 import folders, listing, parts, pieces, reading, writing
from mover.connectors.s3.address import address, file_in, folder_in
from mover.connectors.s3.session import Session
from mover.connectors.s3.signing import Signer
from mover.connectors.s3.spec import SPEC
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import BadOption
from mover.core.model import Algorithm, Attributes, Batch, Body, Cursor, Download, Entry, ItemId, Kind, Page
from mover.core.options import Options
from mover.core.spec import Cap
from mover.net.http import HttpSettings, http

ROOT = Entry(ItemId(""), None, "", Kind.FOLDER)


class S3:
    """One bucket, a folder in one, or all buckets of an account. Ids: see `address.Address`."""

    def __init__(self, session: Session, storage_class: str | None) -> None:
        self._session = session
        self._class = storage_class
        self._keyed = False  # the store was seen to encrypt with a key: ETags are no digests

    @property
    def caps(self) -> Cap:
        return SPEC.caps & ~Cap.EMPTY_FOLDERS if self._session.marks is False else SPEC.caps

    async def root(self) -> Entry:
        """The root, after a look whether it can be listed."""
        await folders.check(self._session)
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        return await listing.page(self._session, folder, after, trusted=not self._keyed)

    def list_deep(self, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
        return listing.deep(self._session, folder, after)

    def entry_of(self, folder: ItemId, batch: Batch, index: int) -> Entry:
        return listing.row_entry(folder, batch, index, trusted=not self._keyed)

    async def find(self, path: str) -> Entry:
        return await folders.find(self._session, path) if path else ROOT

    async def describe(self, item: Entry) -> Entry:
        return item if item.kind is Kind.FOLDER else await reading.describe(self._session, item)

    def folder_at(self, folder: ItemId, name: str) -> ItemId | None:
        return folder_in(folder, name) if self._session.where.of(folder).bucket else None

    def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AbstractAsyncContextManager[Download]:
        return reading.read(self._session, item, start, end)

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        item = file_in(folder, name)
        in_pieces = body.whole is None and (body.size is None or self._session.plain)
        store = pieces.store if in_pieces else writing.put
        entry, self._keyed = await store(self._session, item, body, attributes, self._class)
        return entry

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        return await folders.make(self._session, folder_in(folder, name))

    async def remove(self, item: ItemId) -> None:
        await folders.remove(self._session, item)

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        if item.endswith("/"):
            return await folders.move(self._session, item, folder_in(folder, name), self._class)
        return await folders.move_file(self._session, item, file_in(folder, name), self._class)

    async def copy_inside(self, item: Entry, folder: ItemId, name: str, attributes: Attributes = NOTHING) -> Entry:
        return await writing.copy(self._session, item, file_in(folder, name), attributes, self._class)

    def part_size(self, size: int) -> int | None:
        return parts.part_size(size)

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        item = file_in(folder, name)
        upload = await parts.begin(self._session, item, writing.new_headers(attributes, item, self._class))
        return parts.upload_of(parts.State(item, upload, size, parts.part_size(size) or parts.SMALLEST))

    async def resume(self, state: str) -> Upload:
        return await parts.resume(self._session, state)

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        return await parts.write_part(self._session, upload, number, body)

    async def finish(self, upload: Upload, parts_done: Sequence[Part]) -> Entry:
        return await parts.finish(self._session, upload, parts_done)

    async def abandon(self, upload: Upload) -> None:
        state = parts.state_of(upload)
        await parts.abandon(self._session, ItemId(state.item), state.upload)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        if size is None or self._keyed:
            return frozenset()
        return frozenset({"md5"} if parts.part_size(size) is None else {"md5-of-parts"})


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[S3]:
    """Speak to the store that the options name; nothing is sent yet."""
    where = address(options)
    ca_file = options.text("ca_file")
    settings = HttpSettings(Path(ca_file) if ca_file else None, allow_plain=options.switch("plain_http"))
    async with http(settings) as client:
        yield S3(Session(client, where, _signer(options), options.must("region")), options.text("storage_class"))


def _signer(options: Options) -> Signer | None:
    key_id, secret = options.text("access_key_id"), options.secret("secret_access_key")
    if key_id is None and secret is None:
        return None
    if key_id is None or secret is None:
        raise BadOption("an access key and its secret key belong together: give both or none", item="access_key_id")
    return Signer(key_id, secret, options.secret("session_token"), options.must("region"))
