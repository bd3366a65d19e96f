"""The engine's nouns as they go over the wire, and back."""

from __future__ import annotations

from typing import cast

from mover.core.connector import Part
from mover.core.model import Digest, Entry, ItemId
from mover.engine.folders import Folder
from mover.engine.journal import Attempt, KeptUpload, Key, Known, Line
from mover.engine.planned import Planned, Why
from mover.engine.side import Side
from mover.wire.items import (
    WireAttempt,
    WireDigest,
    WireEntry,
    WireKey,
    WireKnown,
    WireLine,
    WirePart,
    WirePlanned,
    WireProof,
    WireUpload,
)
from mover.wire.text import raw, raw_or_none, text, text_or_none


def wire_key(key: Key) -> WireKey:
    return WireKey(raw(key[0]), raw(key[1]))


def key_of(wire: WireKey | WireKnown | WireUpload) -> Key:
    return text(wire.path), text(wire.key_id)


def wire_line(line: Line) -> WireLine:
    proof = line.proof and WireProof(line.proof.method, line.proof.algorithm, line.proof.source, line.proof.destination)
    return WireLine(
        raw(line.path),
        raw(line.id),
        line.kind,
        line.state,
        line.size,
        line.modified,
        raw_or_none(line.version),
        raw_or_none(line.target),
        line.code,
        _printable(line.detail),
        line.attempts,
        proof,
    )


def wire_attempt(attempt: Attempt, at: float) -> WireAttempt:
    return WireAttempt(raw(attempt.path), raw(attempt.id), attempt.code, _printable(attempt.detail) or "", at)


def known_of(wire: WireKnown) -> Known:
    return Known(wire.state, wire.size, wire.modified, text_or_none(wire.version))


def wire_part(part: Part) -> WirePart:
    return WirePart(part.number, part.size, part.tag)


def wire_upload(key: Key, upload: KeptUpload) -> WireUpload:
    parts = [wire_part(part) for part in upload.parts]
    return WireUpload(raw(key[0]), raw(key[1]), raw(upload.version), raw(upload.state), parts)


def upload_of(wire: WireUpload) -> KeptUpload:
    parts = tuple(Part(part.number, part.size, part.tag) for part in wire.parts)
    return KeptUpload(text(wire.state), text(wire.version), parts)


def wire_planned(planned: Planned) -> WirePlanned:
    """A planned file, whose folder is there."""
    return WirePlanned(
        _wire_entry(planned.source),
        raw(planned.path),
        raw(planned.key[1]),
        raw(planned.folder.path),
        raw_or_none(planned.folder.id),
        raw(planned.name),
        planned.why,
        None if planned.there is None else _wire_entry(planned.there),
    )


def planned_of(wire: WirePlanned, destination: Side) -> Planned:
    """The same at a runner that has the destination open."""
    path = text(wire.path)
    return Planned(
        _entry(wire.source),
        path,
        (path, text(wire.key_id)),
        _folder(wire, destination),
        text(wire.name),
        cast("Why", wire.why),
        None if wire.there is None else _entry(wire.there),
    )


def _folder(wire: WirePlanned, destination: Side) -> Folder:
    """The folder that the scan made; where it gave no id, by its path from the top."""
    path = text(wire.folder_path)
    top = Folder(destination, None, "", destination.folder.id)
    if not path:
        return top
    above, _, name = path.rpartition("/")
    if wire.folder_id is not None:
        folder = Folder(destination, None, name, ItemId(text(wire.folder_id)))
        folder.path = path
        return folder
    folder = top
    for part in [*above.split("/"), name] if above else [name]:
        folder = folder.child(part, None)
    return folder


def _wire_entry(entry: Entry) -> WireEntry:
    return WireEntry(
        raw(entry.id),
        raw_or_none(entry.parent),
        raw(entry.name),
        entry.kind,
        entry.size,
        entry.modified,
        tuple(WireDigest(digest.algorithm, digest.value) for digest in entry.digests),
        raw_or_none(entry.version),
        entry.stored,
        raw_or_none(entry.target),
        entry.content_type,
        {name: raw(value) for name, value in entry.metadata.items()},
    )


def _entry(wire: WireEntry) -> Entry:
    parent = text_or_none(wire.parent)
    return Entry(
        ItemId(text(wire.id)),
        None if parent is None else ItemId(parent),
        text(wire.name),
        wire.kind,
        wire.size,
        wire.modified,
        tuple(Digest(digest.algorithm, digest.value) for digest in wire.digests),
        text_or_none(wire.version),
        wire.stored,
        text_or_none(wire.target),
        wire.content_type,
        {name: text(value) for name, value in wire.metadata.items()},
    )


def _printable(detail: str | None) -> str | None:
    """As text that everybody can keep: neither bytes that are no UTF-8 nor NUL, which PostgreSQL has no place for."""
    return None if detail is None else detail.encode("utf-8", "replace").decode().replace("\0", "�")
