"""What only some WebDAV servers can do: set times, tell their room, take large files in chunks."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final, cast
from urllib.parse import quote

from mover.connectors._kit.paths import ROOT, child, name_of, parent_of
from mover.connectors.webdav.address import Address, escaped
from mover.connectors.webdav.entries import checksums_in, date_in, entry_of, version_of
from mover.connectors.webdav.files import WebDav
from mover.connectors.webdav.servers import OWNCLOUD, cloud_path
from mover.connectors.webdav.session import FINE
from mover.connectors.webdav.times import Clock, lastmodified_update, property_update
from mover.core.connector import NOTHING, Part, Upload
from mover.core.errors import Damaged, NotFound
from mover.core.model import Algorithm, Attributes, Body, Digest, Entry, ItemId, Kind, Quota

_ROOM: Final = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/><D:quota-available-bytes/>'
    b"</D:prop></D:propfind>"
)
_SIZES: Final = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/><D:getetag/>'
    b"</D:prop></D:propfind>"
)
_CHUNKED_FROM: Final = 64 << 20
_CHUNK: Final = 16 << 20
_MOST_CHUNKS: Final = 10_000
_AT_ONCE: Final = 4


class SetsTimes(WebDav):
    """`SetsModified`."""

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        if self._traits.times == "header":
            await self._patch(item, lastmodified_update(modified))
            return
        there = await self._look(item)
        server = date_in(there.get("getlastmodified"))
        until = server.timestamp() if server is not None else 9e9
        await self._patch(item, property_update(modified, until), folder=there.collection)


class CopiesThere(WebDav):
    """`CopiesInside`: whole or not at all, so under a passing name first."""

    async def copy_inside(self, item: Entry, folder: ItemId, name: str, attributes: Attributes = NOTHING) -> Entry:
        target, passing = self._named(folder, name), self._passing(folder, attributes)
        try:
            await self._copy(item, folder, passing, attributes.modified or item.modified)
            await self._move(passing, target, folder=False)
        except BaseException:
            await self._drop(passing)
            raise
        return entry_of(await self._look(target), target, folder, name, self._traits)

    async def _copy(self, item: Entry, folder: ItemId, passing: ItemId, modified: datetime | None) -> None:
        clock = Clock()
        answer = await self._to("COPY", item.id, passing, folder=False, overwrite=False)
        if answer.status not in FINE:
            raise await self._about(answer, folder, item.id, doing="copy it")
        if modified is not None and self._traits.times == "header":
            await self._patch(passing, lastmodified_update(modified))
        else:
            await self._keep_time(passing, Attributes(modified=modified), answer, clock)


class TellsRoom(WebDav):
    """`TellsQuota` (RFC 4331)."""

    async def quota(self) -> Quota:
        found = await self._session.find(self._address.of(ROOT.id, folder=True), 0, _ROOM, item="the quota")
        used, free = (_bytes(found[0].get(f"quota-{word}-bytes")) if found else None for word in ("used", "available"))
        total = used + free if used is not None and free is not None else None
        return Quota(used=used, total=total, free=free)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Where chunks go: the percent-encoded path of the user's folder of uploads, and the one that their files are known by."""

    folder: str
    files: str


def uploads_of(address: Address, user: str | None) -> Uploads | None:
    """The folder of uploads of a Nextcloud or ownCloud; `None` if the address does not tell whose it would be."""
    place = cloud_path(address.path)
    if place is None:
        return None
    owner = place.user or (quote(user, safe="") if user else None)
    if owner is None or "/dav/spaces" in address.path:
        return None
    dav = f"{place.before}/remote.php/dav"
    return Uploads(f"{dav}/uploads/{owner}", f"{dav}/files/{owner}{place.below}")


class WritesChunks(WebDav):
    """`WritesParts`: chunked upload, version 2.

    A chunk has 5 MB to 5 GB, there are at most 10,000, and an upload that rests for a day is forgotten. ownCloud 10 takes the
    same requests. Source: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html
    """

    uploads: Uploads

    def part_size(self, size: int) -> int | None:
        if size < _CHUNKED_FROM:
            return None
        return max(_CHUNK, ceil(size / _MOST_CHUNKS / (1 << 20)) << 20)

    async def begin(self, folder: ItemId, name: str, size: int, attributes: Attributes = NOTHING) -> Upload:
        target = child(folder, name)
        place = f"{self.uploads.folder}/mover-{secrets.token_hex(16)}"
        headers = {"destination": self._final(target)}
        await self._session.ask("MKCOL", self._address.beside(place), headers, doing="begin an upload", item=target)
        modified = int(attributes.modified.timestamp()) if attributes.modified else None
        part_size = self.part_size(size) or _CHUNK
        state = json.dumps([place, target, size, part_size, modified])
        return Upload(state, size, part_size, _AT_ONCE)

    async def resume(self, state: str) -> Upload:
        kept = _State.read(state)
        url = self._address.beside(f"{kept.place}/")
        found = await self._session.find(url, 1, _SIZES, item=kept.target)
        done: list[Part] = []
        for resource in found:
            name, length = resource.href.rstrip("/").rpartition("/")[2], resource.get("getcontentlength") or ""
            number = int(name) - 1 if name.isdigit() and len(name) == 5 else -1  # noqa: PLR2004  # our own names
            if number >= 0 and length.isdigit() and int(length) == kept.size_of(number):
                done.append(Part(number, int(length), version_of(resource.get("getetag"), None) or ""))
        return Upload(state, kept.size, kept.part_size, _AT_ONCE, tuple(sorted(done, key=lambda p: p.number)))

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        kept = _State.read(upload.state)
        if body.size is not None and body.size != kept.size_of(number):
            raise Damaged(f"part {number} has {body.size} bytes, not {kept.size_of(number)}", item=kept.target)
        url = self._address.beside(f"{kept.place}/{number + 1:05d}")
        headers = {"destination": self._final(kept.target), "oc-total-length": str(kept.size)}
        answer = await self._session.put(url, headers, body, kept.target)
        if answer.status not in FINE:
            raise self._session.failure(answer, doing=f"write part {number}", item=kept.target)
        return Part(number, kept.size_of(number), version_of(answer.header("etag"), None) or "")

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> Entry:
        kept = _State.read(upload.state)
        if sum(p.size for p in parts) != kept.size:
            raise Damaged("the parts do not make up the file", item=kept.target)
        headers = {"destination": self._final(kept.target), "overwrite": "T", "oc-total-length": str(kept.size)}
        if kept.modified is not None and self._traits.times == "header":
            headers["x-oc-mtime"] = str(kept.modified)
        answer = await self._session.send("MOVE", self._address.beside(f"{kept.place}/.file"), headers)
        if answer.status == 400:  # noqa: PLR2004  # "Chunks on server do not sum up to ..."
            raise Damaged(self._session.failure(answer, doing="assemble the parts").detail, item=kept.target)
        if answer.status not in FINE:
            folder = parent_of(kept.target) or ROOT.id
            raise await self._about(answer, folder, kept.target, doing="assemble the parts")
        timed = kept.modified is not None and answer.header("x-oc-mtime") == "accepted"
        return Entry(
            kept.target,
            parent_of(kept.target),
            name_of(kept.target),
            Kind.FILE,
            kept.size,
            datetime.fromtimestamp(kept.modified, UTC) if timed and kept.modified is not None else None,
            version=version_of(answer.header("oc-etag") or answer.header("etag"), None),
        )

    async def abandon(self, upload: Upload) -> None:
        kept = _State.read(upload.state)
        await self._delete(self._address.beside(kept.place), kept.target)

    async def digest_of(self, item: Entry) -> Digest | None:
        return next(iter(checksums_in((await self._look(item.id)).get("checksums", OWNCLOUD))), None)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        return frozenset() if size is not None and self.part_size(size) else super().algorithms(size)

    def _final(self, target: ItemId) -> str:
        return self._address.beside(f"{self.uploads.files}/{escaped(target)}")


@dataclass(frozen=True, slots=True)
class _State:
    """What is kept of an upload: where its chunks lie, what it becomes, sizes in bytes, its time in seconds since 1970."""

    place: str
    target: ItemId
    size: int
    part_size: int
    modified: int | None

    @classmethod
    def read(cls, state: str) -> _State:
        try:
            place, target, size, part_size, modified = cast("tuple[str, str, int, int, int | None]", json.loads(state))
        except ValueError as problem:
            raise NotFound("this is no upload of this connection") from problem
        return cls(place, ItemId(target), size, part_size, modified)

    def size_of(self, number: int) -> int:
        return max(0, min(self.part_size, self.size - number * self.part_size))


def _bytes(text: str | None) -> int | None:
    """Nextcloud says -1, -2 and -3 for not computed, unknown and unlimited."""
    return int(text) if text is not None and text.isdigit() else None
