"""The Swift connector: its verbs, each in a module of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from mover.connectors.swift import entries, listing, parts, reading, writing
from mover.connectors.swift.address import Object, Place, file_in, is_path, place_of, split
from mover.connectors.swift.identity import sign_in
from mover.connectors.swift.session import ACCOUNT, Session
from mover.connectors.swift.spec import SPEC
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import NotFound
from mover.core.model import Algorithm, Attributes, Batch, Body, Cursor, Download, Entry, ItemId, Kind, Page, Quota
from mover.core.options import Options
from mover.core.spec import Cap
from mover.net.http import HttpSettings, http

ROOT: Final = Entry(ItemId(""), None, "", Kind.FOLDER)
_REMEMBERED: Final = 100_000


class Swift:
    """One container, a folder in one, or all containers of an account. Ids: see `address.Place`."""

    caps: Cap = SPEC.caps

    def __init__(self, session: Session) -> None:
        self._session = session
        self._large: set[ItemId] = set()
        """Objects of segments that were listed: replacing one of these has to remove segments."""

    async def root(self) -> Entry:
        """The root, after a look whether it can be listed."""
        where = self._session.place.of("")
        query = {"format": "json", "limit": "1"}
        await self._session.ask("GET", Object(where.container, "") if where.container else ACCOUNT, query)
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        page = await listing.page(self._session, folder, after)
        for entry in page.entries:
            self._note(entry.id, entry.version)
        return page

    async def list_deep(self, folder: ItemId, after: str = "") -> AsyncIterator[Batch]:
        del after  # "a" may stand for the folder "a/" that comes much later: no name is a safe place to begin
        async for batch in listing.deep(self._session, folder):
            for path, tag in zip(batch.paths, batch.tags, strict=True):
                self._note(folder + path, tag)
            yield batch

    def entry_of(self, folder: ItemId, batch: Batch, index: int) -> Entry:
        return listing.row_entry(folder, batch, index)

    async def find(self, path: str) -> Entry:
        if not path:
            return ROOT
        item = ItemId(path.rstrip("/"))
        if self._session.place.of(item).name and not path.endswith("/"):
            try:
                found = await reading.describe(self._session, _file(item))
                if not (found.content_type or "").startswith(entries.FOLDER_TYPE):
                    return found
            except NotFound:
                pass  # it may be a folder
        folder = ItemId(item + "/")
        if not is_path(item) or not await self._is_folder(folder):
            raise NotFound("there is no file and no folder of that name", item=item)
        return entries.folder(folder)

    async def describe(self, item: Entry) -> Entry:
        return item if item.kind is Kind.FOLDER else await reading.describe(self._session, item)

    def folder_at(self, folder: ItemId, name: str) -> ItemId | None:
        return _folder_in(self._session.place, folder, name) if self._session.place.of(folder).container else None

    def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AbstractAsyncContextManager[Download]:
        return reading.read(self._session, item, start, end)

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        item = file_in(self._session.place, folder, name)
        entry = await writing.put(self._session, item, body, attributes, was_large=item in self._large)
        self._large.discard(item)
        return entry

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        return await writing.make_folder(self._session, _folder_in(self._session.place, folder, name))

    async def remove(self, item: ItemId) -> None:
        await writing.remove(self._session, item)
        self._large.discard(item)

    async def copy_inside(self, item: Entry, folder: ItemId, name: str, attributes: Attributes = NOTHING) -> Entry:
        return await writing.copy(self._session, item, file_in(self._session.place, folder, name), attributes)

    def part_size(self, size: int) -> int | None:
        return parts.part_size(size)

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        return await parts.begin(self._session, file_in(self._session.place, folder, name), size, attributes)

    async def resume(self, state: str) -> Upload:
        return await parts.resume(self._session, state)

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        return await parts.write_part(self._session, upload, number, body)

    async def finish(self, upload: Upload, parts_done: Sequence[Part]) -> Entry:
        entry = await parts.finish(self._session, upload, parts_done)
        self._note(entry.id, entry.version)
        return entry

    async def abandon(self, upload: Upload) -> None:
        await parts.abandon(self._session, upload)

    async def quota(self) -> Quota:
        container = self._session.place.of("").container
        answer = await self._session.ask("HEAD", Object(container, "") if container else ACCOUNT)
        kind = "container" if container else "account"
        used = _number(answer.header(f"x-{kind}-bytes-used"))
        total = _number(answer.header(f"x-{kind}-meta-quota-bytes"))
        free = max(total - used, 0) if total is not None and used is not None else None
        return Quota(used, total, free)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return frozenset({"md5"}) if size is None or parts.part_size(size) is None else frozenset()

    async def _is_folder(self, folder: ItemId) -> bool:
        if self._session.place.of(folder).name:
            return await listing.anything(self._session, folder)
        return self._session.place.of(folder).container in await listing.containers(self._session)

    def _note(self, item: str, tag: str | None) -> None:
        if tag is not None and tag.endswith(entries.LARGE) and len(self._large) < _REMEMBERED:
            self._large.add(ItemId(item))


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[Swift]:
    """Sign in.

    Raises:
        BadCredentials: user or key are not accepted.
        BadOption: something is missing, or there is no storage in that region.
    """
    place, ca_file = place_of(options), options.text("ca_file")
    settings = HttpSettings(Path(ca_file) if ca_file else None, allow_plain=options.switch("plain_http"))
    async with http(settings) as client:
        ticket = await sign_in(client, options)
        yield Swift(Session(client, place, ticket, lambda: sign_in(client, options)))


def _folder_in(place: Place, folder: ItemId, name: str) -> ItemId:
    return ItemId(file_in(place, folder, name) + "/")


def _file(item: ItemId) -> Entry:
    above, name = split(item)
    return Entry(item, above, name, Kind.FILE)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
