"""Large objects in parts: segments in a container beside, and a manifest that makes them one object (SLO).

Source: https://docs.openstack.org/swift/latest/overview_large_objects.html (1,000 segments of up to 5 GiB).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from mover.connectors.swift import entries, segments
from mover.connectors.swift.address import Object, split
from mover.connectors.swift.listing import SEGMENTS, listed
from mover.connectors.swift.session import Session
from mover.connectors.swift.writing import put_body
from mover.core.connector import Part, Upload
from mover.core.errors import Damaged, NotFound, Refused, Unfit
from mover.core.model import Attributes, Body, Entry, ItemId, Kind

SINGLE: Final = 64 << 20
"""Bytes up to which an object is stored in one request."""

SMALLEST: Final = 16 << 20
MOST: Final = 1000
AT_ONCE: Final = 8
_MIB: Final = 1 << 20
_ALIVE: Final = "alive"
"""An empty object beside the segments, from the beginning until the end: an upload of which nothing arrived is not a forgotten one."""


class State(NamedTuple):
    """What is needed to go on: kept as JSON in `Upload.state`. `headers` are those of the finished object."""

    item: str
    prefix: str
    size: int
    part_size: int
    headers: dict[str, str]


def part_size(size: int) -> int | None:
    """The size of parts: 16 MiB, or what 1,000 parts need, in whole MiB; `None` for what goes in one request."""
    if size <= SINGLE:
        return None
    return max(SMALLEST, -(-size // (MOST * _MIB)) * _MIB)


async def begin(session: Session, item: ItemId, size: int, attributes: Attributes) -> Upload:
    """See `WritesParts.begin`: makes a fresh folder of segments, and marks it as alive."""
    where, headers = session.place.of(item), entries.attribute_headers(attributes, item)
    if not where.name:
        raise Unfit("a file cannot stand beside containers; choose a container", item=item)
    await session.ask("PUT", Object(where.container + SEGMENTS, ""), item=item)
    state = State(item, f"mover-{secrets.token_hex(16)}/", size, part_size(size) or SMALLEST, headers)
    await session.ask("PUT", _alive(session, state), body=b"", item=item)
    return _upload(state)


async def resume(session: Session, told: str) -> Upload:
    """See `WritesParts.resume`: the segments that are there and whole; none, if nothing but the mark is there."""
    state = _state(told)
    got = await listed(session, Object(_beside(session, state), state.prefix), None, delimiter=False)
    if not got.rows:
        await _must_be_alive(session, state)
    done: list[Part] = []
    for row in got.rows:
        last = row.name.removeprefix(state.prefix)
        if last.isdigit() and row.size == _expected(state, int(last)):
            done.append(Part(int(last), row.size, row.tag or ""))
    return _upload(state, tuple(done))


async def write_part(session: Session, upload: Upload, number: int, body: Body) -> Part:
    """See `WritesParts.write_part`."""
    state = _state(upload.state)
    where = Object(_beside(session, state), f"{state.prefix}{number:08d}")
    if body.size is not None and body.size != _expected(state, number):
        raise Damaged(f"part {number} has {body.size} bytes, not {_expected(state, number)}", item=state.item)
    tag, size = await put_body(session, where, {}, body)
    return Part(number, size, tag)


async def finish(session: Session, upload: Upload, parts: Sequence[Part]) -> Entry:
    """See `WritesParts.finish`. The segments of the object that is replaced go once the new one is there.

    Raises:
        Damaged: parts are missing or not what was sent, or the store's tag is not that of the parts' tags.
    """
    state = _state(upload.state)
    ordered = sorted(parts, key=lambda part: part.number)
    if [p.number for p in ordered] != list(range(len(ordered))) or sum(p.size for p in ordered) != state.size:
        raise Damaged(f"{len(ordered)} parts do not make up the {state.size} bytes", item=state.item)
    item = ItemId(state.item)
    where, beside = session.place.of(item), _beside(session, state)
    names = [Object(beside, f"{state.prefix}{p.number:08d}") for p in ordered]
    manifest: list[dict[str, object]] = [
        {"path": f"/{at.container}/{at.name}", "etag": p.tag, "size_bytes": p.size}
        for at, p in zip(names, ordered, strict=True)
    ]
    old = await segments.of_object(session, where)
    # Before the manifest: whoever crashes between the two still finds every segment, and nothing is left behind an object.
    await segments.drop(session, [_alive(session, state)])
    tag = await _put_manifest(session, where, state, manifest, ordered)
    await segments.drop(session, [at for at in old if at not in set(names)])
    above, name = split(item)
    described = entries.file(item, _Kept(state.headers), state.headers, state.size)
    return replace(
        described, parent=above, name=name, kind=Kind.FILE, version=tag + entries.LARGE, digests=(), stored=None
    )


async def abandon(session: Session, upload: Upload) -> None:
    """See `WritesParts.abandon`."""
    state = _state(upload.state)
    try:
        got = await listed(session, Object(_beside(session, state), state.prefix), None, delimiter=False)
    except NotFound:
        return
    await segments.drop(session, [Object(_beside(session, state), row.name) for row in got.rows])


async def _put_manifest(
    session: Session, where: Object, state: State, manifest: list[dict[str, object]], parts: Sequence[Part]
) -> str:
    expected = hashlib.md5("".join(p.tag for p in parts).encode(), usedforsecurity=False).hexdigest()
    query, body = {"multipart-manifest": "put"}, json.dumps(manifest).encode()
    headers = {**state.headers, "etag": expected}
    try:
        answer = await session.ask("PUT", where, query, headers, body, item=state.item)
    except Refused as problem:
        raise Damaged(f"the store does not take the parts together: {problem.detail}", item=state.item) from problem
    tag = (answer.header("etag") or "").strip('"')
    if tag != expected:
        raise Damaged(f"the store's digest of the parts is {tag}, not {expected}", item=state.item)
    return tag


class _Kept:
    """The headers of an object that were sent, read like those of an answer."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def header(self, name: str) -> str | None:
        """One header."""
        return self._headers.get(name)


async def _must_be_alive(session: Session, state: State) -> None:
    """A listing may be behind; the mark itself is not."""
    try:
        await session.ask("HEAD", _alive(session, state))
    except NotFound as problem:
        raise NotFound("the store has forgotten the upload", item=state.item) from problem


def _alive(session: Session, state: State) -> Object:
    return Object(_beside(session, state), state.prefix + _ALIVE)


def _beside(session: Session, state: State) -> str:
    return session.place.of(state.item).container + SEGMENTS


def _expected(state: State, number: int) -> int:
    return max(0, min(state.part_size, state.size - number * state.part_size))


def _state(told: str) -> State:
    try:
        return State(*json.loads(told))
    except (ValueError, TypeError) as problem:
        raise NotFound("this is no upload of this connection") from problem


def _upload(state: State, done: tuple[Part, ...] = ()) -> Upload:
    return Upload(json.dumps(state), state.size, state.part_size, AT_ONCE, done)
