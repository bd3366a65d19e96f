"""A runner's report is taken: all of it, once, and only while the lease is the runner's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.store import batches, items, uploads
from mover.store.batches import Held
from mover.store.items import Of
from mover.wire.items import WireKnown, WireLine, WirePlanned, WireUpload
from mover.wire.messages import LEASE, Ended, Report, UploadNews, Verdict
from mover.work import endings
from mover.work.manifests import only, packed

Seal = Callable[[bytes, Held], Awaitable[bytes]]
"""Seals the state of an upload, which may be a secret, for its pair."""

_SAYS: Final = {"running": "go", "pausing": "pause", "paused": "pause"}


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to a report, and whether it made new work."""

    verdict: Verdict
    news: bool


async def take(connection: AsyncConnection, runner: str, report: Report, seal: Seal) -> Taken:
    """Take a report in the caller's transaction. One that came before changes nothing; one from a lost lease is refused whole."""
    counts = None if report.counts is None else _plain(report)
    held = await batches.hold(
        connection,
        report.batch,
        report.fence,
        runner,
        number=report.number,
        seconds=LEASE,
        counts=counts,
        moved=report.bytes_moved,
    )
    if held is None:
        return Taken(Verdict(report.batch, "lost"), news=False)
    of = Of(held.migration, held.pair, held.run)
    news = False
    if not held.repeated:
        await _lines(connection, of, report)
        for planned in report.offers:
            news = await _offer(connection, of, planned) or news
        if news or (held.work == "copy" and report.lines):
            await batches.note_progress(connection, held.id)
        await _uploads(connection, held, report.uploads, seal)
        if report.ended is not None:
            news = await _end(connection, held, report.ended) or news
    known = await _known(connection, of, report)
    state = _SAYS.get(held.run_state, "stop")
    return Taken(Verdict(report.batch, state, known, held.bytes_per_second), news)  # pyright: ignore[reportArgumentType]  # of _SAYS


async def _lines(connection: AsyncConnection, of: Of, report: Report) -> None:
    await items.put(connection, of, [_row(line) for line in report.lines])
    for same in report.same:
        await items.put_same(connection, of, same.paths, same.sizes, same.detail)
    await items.put_seen(connection, of, [(key.path, key.key_id) for key in report.seen])
    attempts = [((a.path, a.key_id), a.at, a.code, a.detail) for a in report.attempts]
    await uploads.note(connection, of.pair, of.run, attempts)


def _row(line: WireLine) -> dict[str, Any]:
    return {
        "path": line.path,
        "key_id": line.key_id,
        "kind": line.kind.value,
        "state": line.state.value,
        "attempts": min(line.attempts, 32767),
        "size": line.size,
        "modified": line.modified,
        "version": line.version,
        "target": line.target,
        "code": line.code,
        "detail": line.detail,
        "proof": None if line.proof is None else msgspec.json.encode(msgspec.structs.asdict(line.proof)).decode(),
    }


async def _offer(connection: AsyncConnection, of: Of, planned: list[WirePlanned]) -> bool:
    """A batch of what was offered to nobody yet. A scan that begins again, as its runner was lost, plans the same items once more."""
    batch = await batches.add(connection, of.run, of.pair, "copy")
    accepted = await items.offered(connection, of, batch, [(item.path, item.key_id) for item in planned])
    taken = only(planned, accepted)
    if not taken:
        await batches.drop(connection, batch)
        return False
    size = sum(item.source.size or 0 for item in taken)
    await batches.fill(connection, batch, packed(taken), items=len(taken), size=size)
    return True


async def _uploads(connection: AsyncConnection, held: Held, news: UploadNews, seal: Seal) -> None:
    for upload in news.kept:
        await uploads.keep(connection, held.pair, _sealed(upload, await seal(upload.state, held)))
    for key, part in news.parts:
        await uploads.keep_part(connection, held.pair, (key.path, key.key_id), part.number, part.size, part.tag)
    for key in news.forgotten:
        await uploads.forget(connection, held.pair, (key.path, key.key_id))


def _sealed(upload: WireUpload, sealed: bytes) -> uploads.Upload:
    parts = [(part.number, part.size, part.tag) for part in upload.parts]
    return uploads.Upload(upload.path, upload.key_id, upload.version, sealed, parts)


async def _end(connection: AsyncConnection, held: Held, ended: Ended) -> bool:
    await endings.end_batch(connection, held, ended)
    await endings.settle_run(connection, held.run)
    return True


async def _known(connection: AsyncConnection, of: Of, report: Report) -> list[WireKnown]:
    rows = await items.known(connection, of, [(key.path, key.key_id) for key in report.asks])
    return [WireKnown(row.path, row.key_id, row.state, row.size, row.modified, row.version) for row in rows]


def _plain(report: Report) -> dict[str, Any]:
    counts = msgspec.structs.asdict(report.counts) if report.counts is not None else {}
    moving = [[m.path.decode("utf-8", "replace"), m.size, m.moved] for m in report.moving]
    return {**counts, "items": {state: [n, 0] for state, n in counts["items"].items()}, "moving": moving}
