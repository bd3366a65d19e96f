"""The MySQL connector: databases, their tables and chunks as folders and files; a written file is run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

from mover.connectors._kit.bodies import BytesDownload, StreamDownload
from mover.connectors._kit.paths import ROOT, child
from mover.connectors.mysql import catalog, names
from mover.connectors.mysql.chunks import Key, Range, next_start, range_of
from mover.connectors.mysql.data import data_text
from mover.connectors.mysql.files import file_text
from mover.connectors.mysql.literals import identifier
from mover.connectors.mysql.names import decoded, encoded
from mover.connectors.mysql.readers import Readers
from mover.connectors.mysql.restore import restore
from mover.connectors.mysql.session import Server, Session
from mover.connectors.mysql.spec import SPEC
from mover.core.connector import NOTHING
from mover.core.errors import NotFound, Refused, Unfit, Unsupported
from mover.core.model import Algorithm, Attributes, Body, Cursor, Download, Entry, ItemId, Kind, Page
from mover.core.options import Options
from mover.core.spec import Cap

PAGE: Final = 1000
"""Tables on one page."""

CHUNKS: Final = 100
"""Chunks of a table on one page: each costs the server a walk along the key."""

WRITERS: Final = 4
"""Files that are run at the same time."""


class MySql:
    """One server, or one database of it. A chunk's id is its path, a "?" and its range of keys."""

    caps: Cap = SPEC.caps

    def __init__(self, server: Server, database: str | None) -> None:
        self._server = server
        self._database = database
        self._readers = Readers(server)
        self._writing = asyncio.Semaphore(WRITERS)

    async def root(self) -> Entry:
        async with self._readers.session(None) as session:
            if self._database and not await catalog.has_database(session, self._database):
                raise NotFound(f"there is no database {self._database}; make it first", item=self._database)
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        database, parts = self._parts(folder)
        async with self._readers.session(None) as session:
            if database is None:
                found = await catalog.databases(session)
                return _page(folder, [(encoded(n), Kind.FOLDER) for n in found], after)
            there = await catalog.contents(session, database)
            if not parts:
                return _page(folder, _files(there), after)
            if parts == [names.TABLES]:
                return _page(folder, [(encoded(n), Kind.FOLDER) for n in there.tables], after)
            match parts:
                case [names.TABLES, table] if decoded(table) in there.tables:
                    return await _chunks(session, folder, database, decoded(table), after)
                case _:
                    pass
        raise NotFound("there is no such folder", item=folder)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        if start or end is not None:
            raise Unsupported("a part of an SQL file cannot be read")
        path, _, token = item.id.partition("?")
        database, parts = self._parts(ItemId(path))
        if database is None or not parts:
            raise NotFound("there is no such file", item=item.id)
        async with self._readers.session(database) as session:
            if token and parts[:1] == [names.TABLES]:
                table = await catalog.table(session, database, decoded(parts[1]))
                pieces = data_text(session, table, range_of(token))
                try:
                    yield StreamDownload(item, None, lambda: cast("AsyncIterator[bytes]", pieces))
                finally:
                    await pieces.aclose()
            else:
                yield BytesDownload(item, (await file_text(session, database, parts)).encode())

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        target = child(folder, name)
        database, _ = self._parts(folder)
        if database is None:
            raise Unfit("a file must lie in the folder of a database", item=name)
        if not name.lower().endswith(".sql"):
            raise Unfit("a database takes files of SQL only, whose names end in .sql", item=name)
        await self._readers.retire()
        async with self._writing:
            session = Session(self._server)
            try:
                await session.open(database)
                size, keys = await restore(session, body, name)
            finally:
                session.close()
        id_ = ItemId(f"{target}?{keys}") if keys else target
        return Entry(id_, folder, name, Kind.FILE, size)

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        target = child(folder, name)
        if not folder and self._database is None:
            await self._readers.retire()
            async with self._readers.session(None) as session:
                await session.run(f"CREATE DATABASE IF NOT EXISTS {identifier(decoded(name))}")
        return Entry(target, folder, name, Kind.FOLDER)

    async def remove(self, item: ItemId) -> None:
        raise Refused("Mover does not remove anything from a database", item=item)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return frozenset()

    def close(self) -> None:
        """Drop all connections; the snapshot ends."""
        self._readers.close()

    def _parts(self, item: ItemId) -> tuple[str | None, list[str]]:
        parts = item.split("/") if item else []
        if self._database is not None:
            return self._database, parts
        return (decoded(parts[0]), parts[1:]) if parts else (None, [])


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[MySql]:
    """Connections are opened when they are first needed."""
    connector = MySql(Server(options), options.text("database"))
    try:
        yield connector
    finally:
        connector.close()


def _files(there: catalog.Contents) -> list[tuple[str, Kind]]:
    return [(names.DATABASE, Kind.FILE)] + [
        (name, Kind.FOLDER if name == names.TABLES else Kind.FILE)
        for name, some in (
            (names.SEQUENCES, there.sequences),
            (names.TABLES, there.tables),
            (names.ROUTINES, there.routines),
            (names.VIEWS, there.views),
            (names.TRIGGERS, there.triggers),
            (names.EVENTS, there.events),
        )
        if some
    ]


def _page(folder: ItemId, found: list[tuple[str, Kind]], after: Cursor | None) -> Page:
    rows = sorted(found) if not after else [f for f in sorted(found) if f[0] > after]
    entries = tuple(Entry(child(folder, name), folder, name, kind) for name, kind in rows[:PAGE])
    return Page(entries, Cursor(entries[-1].name) if len(rows) > PAGE else None)


async def _chunks(session: Session, folder: ItemId, database: str, name: str, after: Cursor | None) -> Page:
    table = await catalog.table(session, database, name)
    quoted = f"{identifier(database)}.{identifier(name)}"
    number, low = _resumed(after)
    entries: list[Entry] = []
    if after is None:
        entries.append(Entry(child(folder, names.TABLE), folder, names.TABLE, Kind.FILE))
    while len(entries) < CHUNKS:
        high = await next_start(session, quoted, table, low) if table.key else None
        file = names.data_file(number)
        entries.append(Entry(ItemId(f"{child(folder, file)}?{Range(low, high).token()}"), folder, file, Kind.FILE))
        if high is None:
            return Page(tuple(entries))
        number, low = number + 1, high
    return Page(tuple(entries), Cursor(json.dumps([number, Range(low).token()])))


def _resumed(after: Cursor | None) -> tuple[int, Key | None]:
    if after is None:
        return 1, None
    number, token = cast("list[str]", json.loads(after))
    return int(number), range_of(token).low
