"""From what a server tells of a resource to an `Entry`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

from mover.connectors._kit.paths import child
from mover.connectors.webdav.address import path_in
from mover.connectors.webdav.multistatus import Resource
from mover.connectors.webdav.servers import OWNCLOUD, Traits
from mover.connectors.webdav.times import OURS, kept_time
from mover.core.errors import Unfit
from mover.core.model import Algorithm, Digest, Entry, ItemId, Kind

_ALGORITHMS: Final[dict[str, Algorithm]] = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}
_LENGTHS: Final[dict[Algorithm, int]] = {"md5": 16, "sha1": 20, "sha256": 32}

_STANDARD: Final = "<D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/><D:getcontenttype/>"


def question(traits: Traits) -> bytes:
    """The body of a PROPFIND that asks for what an `Entry` holds."""
    more = "<M:modified/>" if traits.times == "property" else ""
    more += "<O:checksums/>" if traits.checksums else ""
    spaces = f'xmlns:D="DAV:" xmlns:O="{OWNCLOUD}" xmlns:M="{OURS}"'
    return f'<?xml version="1.0"?><D:propfind {spaces}><D:prop>{_STANDARD}{more}</D:prop></D:propfind>'.encode()


def entry_of(resource: Resource, item: ItemId, parent: ItemId | None, name: str, traits: Traits) -> Entry:
    """The entry of a resource whose id, parent and name are known."""
    if resource.collection:
        return Entry(item, parent, name, Kind.FOLDER, modified=_modified(resource, traits))
    size = resource.get("getcontentlength")
    return Entry(
        item,
        parent,
        name,
        Kind.FILE,
        int(size) if size is not None and size.isdigit() else None,
        _modified(resource, traits),
        checksums_in(resource.get("checksums", OWNCLOUD)) if traits.checksums else (),
        version_of(resource.get("getetag"), resource.get("getlastmodified")),
        content_type=resource.get("getcontenttype"),
    )


def children(
    resources: Sequence[Resource], requested: bytes, folder: ItemId, traits: Traits
) -> tuple[Resource | None, list[Entry]]:
    """The folder itself, and what lies directly in it.

    A proxy may show the server under another path than the one it answers with: then the folder with the shortest path is it. Resources
    elsewhere are ignored. A name that is none (an escaped slash in it) becomes an entry of kind OTHER.
    """
    placed = [(path_in(r.href), r) for r in resources if r.status is None or r.status // 100 == 2]  # noqa: PLR2004  # a success
    folders = [path for path, resource in placed if resource.collection]
    known = any(path == requested for path, _ in placed)
    own = requested if known else min(folders, key=len, default=requested)
    itself = next((r for path, r in placed if path == own), None)
    return itself, list(_below(placed, own, folder, traits))


def _below(placed: Sequence[tuple[bytes, Resource]], own: bytes, folder: ItemId, traits: Traits) -> Iterator[Entry]:
    for path, resource in placed:
        if path == own or not path.startswith(own + b"/"):
            continue
        last = resource.href.rstrip("/").rpartition("/")[2]
        name = path_in(f"/{last}")[1:].decode("utf-8", "surrogateescape")
        if own + b"/" + name.encode("utf-8", "surrogateescape") != path:
            continue
        try:
            yield entry_of(resource, child(folder, name), folder, name, traits)
        except Unfit:
            shown = quote(last, safe="%")
            yield Entry(ItemId(f"{folder}/{shown}"), folder, shown, Kind.OTHER)


def version_of(etag: str | None, date: str | None) -> str | None:
    """What tells one content from the next: the ETag without its marks, or else the time the server gives, to the second.

    A weak tag counts like a strong one: Apache gives one and the same tag as weak in the first second of a file.
    """
    if etag:
        return etag.removeprefix("W/").strip('"')
    return f"at {date}" if date else None


def date_in(text: str | None) -> datetime | None:
    """An HTTP date in UTC; `None` if it is none."""
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def checksums_in(text: str | None) -> tuple[Digest, ...]:
    """The digests in `oc:checksums` or `OC-Checksum`, such as "SHA1:... MD5:... ADLER32:..."."""
    found: list[Digest] = []
    for word in (text or "").split():
        kind, _, value = word.partition(":")
        algorithm = _ALGORITHMS.get(kind.upper())
        if algorithm is not None and (digest := digest_in(algorithm, value)) is not None:
            found.append(digest)
    return tuple(found)


def digest_in(algorithm: Algorithm, value: str | None) -> Digest | None:
    """A digest from its hexadecimal form; `None` if it is absent or of the wrong length."""
    try:
        raw = bytes.fromhex(value or "")
    except ValueError:
        return None
    return Digest(algorithm, raw) if len(raw) == _LENGTHS.get(algorithm) else None


def _modified(resource: Resource, traits: Traits) -> datetime | None:
    server = date_in(resource.get("getlastmodified"))
    if traits.times != "property":
        return server
    kept = kept_time(resource.get("modified", OURS), None if resource.collection else server)
    return kept or server
