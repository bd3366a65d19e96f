"""The verbs that every WebDAV server has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from mover.connectors._kit.bodies import BytesDownload, StreamDownload
from mover.connectors._kit.paths import ROOT, child, name_of, parent_of
from mover.connectors.webdav.address import Address, path_in
from mover.connectors.webdav.download import headers_for, is_small, nothing_to_read, opened, pieces, whole
from mover.connectors.webdav.entries import children, date_in, digest_in, entry_of, question, version_of
from mover.connectors.webdav.multistatus import Resource
from mover.connectors.webdav.passing import Passing
from mover.connectors.webdav.servers import Traits
from mover.connectors.webdav.session import (
    BAD,
    CONFLICT,
    FINE,
    GONE,
    MOVED,
    NOT_ALLOWED,
    NOT_FOUND,
    PRECONDITION_FAILED,
    READ,
    Session,
)
from mover.connectors.webdav.spec import FORBIDDEN
from mover.connectors.webdav.times import Clock, property_update
from mover.core.connector import NOTHING
from mover.core.errors import Conflict, MoverError, NotFound, Refused, Unfit
from mover.core.model import Algorithm, Attributes, Body, Cursor, Digest, Download, Entry, ItemId, Kind, Page
from mover.core.spec import Cap
from mover.core.temporary import temporary_name
from mover.net.http import Answer

_DROPS = 3
_MISREAD = frozenset("?#;")
"""Characters at which some servers (WsgiDAV) cut the address of a MOVE."""


class WebDav:
    """One folder of one WebDAV server, and what lies below it. Ids are paths."""

    def __init__(self, session: Session, traits: Traits, caps: Cap) -> None:
        self.caps: Cap = caps
        self._session = session
        self._address: Address = session.address
        self._traits = traits
        self._question = question(traits)

    async def root(self) -> Entry:
        resource = await self._look(ROOT.id, folder=True)
        if not resource.collection:
            raise NotFound("a file stands where the connection's folder should be")
        return ROOT

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:  # a folder is one page
        resources = await self._session.find(self._address.of(folder, folder=True), 1, self._question, item=folder)
        requested = path_in(self._address.path_of(folder))
        itself, entries = children(resources, requested, folder, self._traits)
        if itself is None or not itself.collection:
            raise NotFound("there is no such folder", item=folder)
        return Page(tuple(entries))

    async def find(self, path: str) -> Entry:
        item = ItemId(path.strip("/"))
        resource = await self._look(item)
        return entry_of(resource, item, parent_of(item), name_of(item), self._traits) if item else ROOT

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        if nothing_to_read(start, end):
            yield BytesDownload(await self.find(item.id), b"")
            return
        url, headers = self._address.of(item.id), headers_for(item, start, end)
        if is_small(item):
            answer = await self._session.send("GET", url, headers)
            if answer.status not in READ:
                raise self._unread(answer.status, item) or self._session.failure(answer, doing="read it", item=item.id)
            entry, size = opened(answer, item, start, end, self._traits)
            yield BytesDownload(entry, whole(answer.body, size, item))
            return
        async with self._session.get(url, headers) as stream:
            if stream.status not in READ:
                failure = await self._session.failure_of(stream, doing="read it", item=item.id)
                raise self._unread(stream.status, item) or failure
            entry, size = opened(stream, item, start, end, self._traits)
            yield StreamDownload(entry, size, lambda: pieces(stream, size, item))

    def _unread(self, status: int, item: Entry) -> MoverError | None:
        return NotFound("a folder stands there", item=item.id) if status in {*MOVED, NOT_ALLOWED} else None

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        target = self._named(folder, name)
        if self._traits.atomic:
            answer, clock, size = await self._put(target, folder, name, body, attributes)
            kept = await self._keep_time(target, attributes, answer, clock)
        else:
            passing = self._passing(folder, attributes)
            try:
                answer, clock, size = await self._put(passing, folder, name, body, attributes)
                kept = await self._keep_time(passing, attributes, answer, clock)
                await self._move(passing, target, folder=False)
            except BaseException:
                await self._drop(passing)
                raise
        return Entry(
            target,
            folder,
            name,
            Kind.FILE,
            size,
            kept,
            self._digests_in(answer),
            version_of(answer.header("etag"), None),
        )

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        item = self._named(folder, name)
        answer = await self._session.send("MKCOL", self._address.of(item, folder=True))
        if answer.status in FINE:
            return Entry(item, folder, name, Kind.FOLDER)
        if answer.status in {BAD, NOT_ALLOWED, CONFLICT, *MOVED}:
            there = await self._at(item)
            if there is not None and there.collection:
                return entry_of(there, item, folder, name, self._traits)
            if there is not None:
                raise Conflict("a file stands there", item=item)
        raise await self._about(answer, folder, item, doing="make the folder")

    async def remove(self, item: ItemId) -> None:
        try:
            found = await self._session.find(self._address.of(item), 1, self._question, item=item, limit=2)
        except NotFound:
            return
        is_folder = any(r.collection for r in found if path_in(r.href) == path_in(self._address.path_of(item)))
        if len(found) > 1:
            raise Conflict("the folder is not empty", item=item)
        await self._delete(self._address.of(item, folder=is_folder), item)

    async def rename(self, item: ItemId, folder: ItemId, name: str) -> Entry:
        old, target = await self._look(item), self._named(folder, name)
        if target != item:
            await self._move(item, target, folder=old.collection)
        return entry_of(await self._look(target), target, folder, name, self._traits)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:  # large files: see WritesChunks
        return frozenset({self._traits.hashes}) if self._traits.hashes else frozenset()

    def _named(self, folder: ItemId, name: str) -> ItemId:
        item = child(folder, name)
        if not FORBIDDEN.isdisjoint(name):
            raise Unfit("a name on a WebDAV server may not hold control characters", item=item)
        if self._traits.hides_dots and name.startswith("."):
            raise Unfit("this server does not list names that begin with a dot", item=item)
        return item

    def _passing(self, folder: ItemId, attributes: Attributes) -> ItemId:
        """A name for what is not whole yet; hidden, where hidden files can be found again."""
        return child(folder, temporary_name(attributes.mark, hidden=not self._traits.hides_dots))

    async def _put(
        self, item: ItemId, folder: ItemId, name: str, body: Body, attributes: Attributes
    ) -> tuple[Answer, Clock, int]:
        """Send the bytes; the answer, the clock that ran meanwhile, and how many bytes went out."""
        counted = _Counted(body) if self._traits.atomic or body.whole is not None else Passing(body, name)
        headers, clock = self._put_headers(body, attributes), Clock()
        answer = await self._session.put(self._address.of(item), headers, counted, name)
        if isinstance(counted, Passing):
            counted.must_be_good()
        if answer.status in FINE:
            return answer, clock, counted.count
        raise await self._about(answer, folder, child(folder, name), doing="write it")

    def _put_headers(self, body: Body, attributes: Attributes) -> dict[str, str]:
        headers = {"content-type": attributes.content_type or "application/octet-stream"}
        if self._traits.times == "header" and attributes.modified is not None:
            headers["x-oc-mtime"] = str(int(attributes.modified.timestamp()))
        if self._traits.hashes:
            headers["x-hash"] = self._traits.hashes
        if self._traits.claims and body.digests:
            known = {d.algorithm: f"{d.algorithm.upper()}:{d.hex}" for d in body.digests}
            claims = [known[a] for a in self._traits.claims if a in known]
            if claims:
                headers["oc-checksum"] = " ".join(claims if self._traits.many_claims else claims[:1])
        return headers

    def _digests_in(self, answer: Answer) -> tuple[Digest, ...]:
        hashes = self._traits.hashes
        found = digest_in(hashes, answer.header(f"x-hash-{hashes}")) if hashes else None
        return (found,) if found else ()

    async def _keep_time(self, item: ItemId, attributes: Attributes, answer: Answer, clock: Clock) -> datetime | None:
        """The time that the server now keeps; sets it, where that takes a request of its own."""
        if attributes.modified is None:
            return None
        if self._traits.times == "property":
            until = clock.end(date_in(answer.header("date")))
            await self._patch(item, property_update(attributes.modified, until))
            return attributes.modified
        told = self._traits.times == "header" and (self._traits.silent or answer.header("x-oc-mtime") == "accepted")
        return attributes.modified.replace(microsecond=0) if told else None

    async def _patch(self, item: ItemId, update: bytes, *, folder: bool = False) -> None:
        headers = {"content-type": 'application/xml; charset="utf-8"'}
        answer = await self._session.send("PROPPATCH", self._address.of(item, folder=folder), headers, update)
        if answer.status == 207:  # noqa: PLR2004  # Multi-Status: each property has its own
            if b" 200 " in answer.body:
                return
            raise Refused("the server does not keep the file's time; set the option times to no", item=item)
        if answer.status not in FINE:
            raise self._session.failure(answer, doing="keep the file's time", item=item)

    async def _move(self, item: ItemId, target: ItemId, *, folder: bool) -> None:
        """Move an item onto another name; a file there is replaced, a folder never: servers would remove it with all it holds."""
        answer = await self._to("MOVE", item, target, folder=folder, overwrite=False)
        if answer.status == PRECONDITION_FAILED:
            there = await self._at(target)
            if there is None:
                raise Unfit("the server takes this name for another one", item=target)
            if there.collection:
                raise Conflict("a folder stands there", item=target)
            answer = await self._to("MOVE", item, target, folder=folder, overwrite=True)
        if answer.status not in FINE:
            raise await self._about(answer, parent_of(target) or ROOT.id, target, doing="move it there")
        if not _MISREAD.isdisjoint(target) and await self._at(target) is None:
            raise Unfit("the server takes this name for another one", item=target)

    async def _to(self, method: str, item: ItemId, target: ItemId, *, folder: bool, overwrite: bool) -> Answer:
        headers = {"destination": self._address.of(target, folder=folder), "overwrite": "T" if overwrite else "F"}
        return await self._session.send(method, self._address.of(item, folder=folder), headers)

    async def _delete(self, url: str, item: ItemId) -> None:
        answer = await self._session.send("DELETE", url)
        if answer.status not in FINE and answer.status not in (NOT_FOUND, GONE):
            raise self._session.failure(answer, doing="remove it", item=item)

    async def _drop(self, passing: ItemId) -> None:
        """Remove what a failed write left under its passing name; what made it fail is what is told.

        It is asked for more than once: a server may still be storing what came before the connection broke.
        """
        for _ in range(_DROPS):
            try:
                answer = await self._session.send("DELETE", self._address.of(passing))
            except MoverError:
                return
            if answer.status not in FINE:
                return

    async def _look(self, item: ItemId, *, folder: bool = False) -> Resource:
        """What the server tells of one item. Raises `NotFound`."""
        found = await self._session.find(
            self._address.of(item, folder=folder), 0, self._question, item=item or "the connection's folder"
        )
        if not found or found[0].status in (NOT_FOUND, GONE):
            raise NotFound("there is no such item", item=item)
        return found[0]

    async def _at(self, item: ItemId) -> Resource | None:
        try:
            return await self._look(item)
        except NotFound:
            return None

    async def _about(self, answer: Answer, folder: ItemId, item: ItemId, *, doing: str) -> MoverError:
        """Why a write was refused. Servers use the same few statuses for a missing folder and for a folder in the way."""
        if answer.status in {NOT_FOUND, NOT_ALLOWED, CONFLICT, *MOVED} or answer.status in _CLUMSY:
            there = await self._at(item)
            if there is not None and there.collection:
                return Conflict("a folder stands there", item=item)
            above = await self._at(folder)
            if above is None or not above.collection:
                return NotFound("the folder to write into is not there", item=folder)
        return self._session.failure(answer, doing=doing, item=item)


_CLUMSY = frozenset({403, 500})
"""What some servers say when a folder stands in a file's place (nginx: 500)."""


class _Counted:
    """A body that knows afterwards how many bytes of it were sent."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.size: int | None = body.size
        self.digests: tuple[Digest, ...] = body.digests
        self.whole: bytes | None = body.whole
        self.count = len(self.whole) if self.whole is not None else 0

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of the body."""
        async for chunk in self._body.chunks():
            self.count += len(chunk)
            yield chunk
