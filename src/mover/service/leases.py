"""What a runner gets and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.clock import Clock
from mover.core.errors import MoverError, Retry
from mover.core.temporary import mark_of_pass
from mover.crypto.boxes import seal_to
from mover.store import batches, items, lease_facts, uploads
from mover.store.batches import Batch, Held
from mover.store.database import Database
from mover.store.lease_facts import EndFacts, LeaseFacts
from mover.wire.items import WirePart, WirePlanned, WireUpload
from mover.wire.messages import (
    LEASE,
    WAIT,
    JournalAnswer,
    JournalRequest,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    Verdict,
    WireEnd,
    lease_context,
)
from mover.work.endings import settle_run
from mover.work.manifests import only, unpacked
from mover.work.reconcile import Reconciler
from mover.work.reports import take

MOST: Final = 16
"""Batches of a kind that one request gets, however many it asks for."""

CLAIMS: Final = {"scan": 30, "copy": 8, "tidy": 30}
"""Leases without any progress after which a batch is set aside, by its work: it seems to end whoever takes it.

A scan begins from the top each time, and so may get on with nothing new for long.
"""

_PAUSE: Final = 0.25
_KEYS_AWAY: Final = 10.0
_NO_MORE: Final = "one runner after the other was lost over it, and none got on with it: it is set aside"


@dataclass(frozen=True, slots=True)
class KnownRunner:
    """A runner whose request was proved to be its own."""

    id: str
    box_key: bytes
    pool: str | None


class Secrets(Protocol):
    """Who opens and seals, behind the vault."""

    async def of_connection(self, end: EndFacts) -> dict[str, str]:
        """The secrets of a saved connection, by option. Raises `Sealed`, `KeysUnreachable`, `KeysRefused`."""
        ...

    async def seal_upload(self, account: int, pair: int, state: bytes) -> bytes: ...

    async def open_upload(self, account: int, pair: int, sealed: bytes) -> bytes | None: ...


class Leases:
    """The two verbs, for runners that are known."""

    def __init__(self, database: Database, secrets: Secrets, reconciler: Reconciler, clock: Clock) -> None:
        self._database = database
        self._secrets = secrets
        self._reconciler = reconciler
        self._clock = clock

    async def give(self, runner: KnownRunner, request: LeaseRequest) -> LeaseAnswer:
        """Work for the runner, as soon as there is some; nothing after as long as it wants to wait."""
        until = self._clock.monotonic() + min(request.wait, WAIT)
        while True:  # until there is work, or time is up
            leases = await self._now(runner, request)
            if leases or self._clock.monotonic() >= until:
                return LeaseAnswer(leases)
            await asyncio.sleep(_PAUSE)

    async def take(self, runner: KnownRunner, request: JournalRequest) -> JournalAnswer:
        """Take reports, each by itself: one that fails is told, and the runner sends it again."""
        verdicts: list[Verdict] = []
        news = False
        for report in request.reports:
            async with self._database.transaction() as connection:
                taken = await take(connection, runner.id, report, self._sealed)
            verdicts.append(taken.verdict)
            news = news or taken.news
        if news:
            self._reconciler.wake()
        return JournalAnswer(verdicts)

    async def _sealed(self, state: bytes, held: Held) -> bytes:
        return await self._secrets.seal_upload(held.owner, held.pair, state)

    async def _now(self, runner: KnownRunner, request: LeaseRequest) -> list[Lease]:
        pools = [runner.pool] if runner.pool else []
        async with self._database.transaction() as connection:
            leased: list[Batch] = []
            for work, most in (("scan", request.scans), ("tidy", request.scans), ("copy", request.copies)):
                if most > 0:
                    leased += await batches.lease(
                        connection, runner.id, work, most=min(most, MOST), pools=pools, seconds=LEASE
                    )
            facts = await lease_facts.of_batches(connection, [batch.id for batch in leased]) if leased else {}
            made = [await self._lease(connection, runner, batch, facts[batch.id]) for batch in leased]
        return [lease for lease in made if lease is not None]

    async def _lease(
        self, connection: AsyncConnection, runner: KnownRunner, batch: Batch, facts: LeaseFacts
    ) -> Lease | None:
        if batch.claims > CLAIMS[batch.work]:
            await self._set_aside(connection, batch)
            return None
        try:
            source = await self._end(runner, batch, facts.source)
            destination = await self._end(runner, batch, facts.destination)
        except MoverError as problem:
            await self._not_opened(connection, batch, problem)
            return None
        planned, under_way = await self._what(connection, batch)
        settings = {**facts.settings, "dry_run": facts.dry_run, "bytes_per_second": facts.bytes_per_second}
        return Lease(
            batch.id,
            batch.fence,
            batch.work,  # pyright: ignore[reportArgumentType]  # the table's own check
            f"run-{batch.run}",
            str(batch.pair),
            mark_of_pass(facts.mark, facts.number),
            source,
            destination,
            settings,
            facts.filters,
            facts.asked,
            facts.first,
            planned,
            under_way,
        )

    async def _end(self, runner: KnownRunner, batch: Batch, end: EndFacts) -> WireEnd:
        secrets = await self._secrets.of_connection(end)
        context = lease_context(batch.id, batch.fence, end.name)
        sealed = seal_to(runner.box_key, msgspec.msgpack.encode(secrets), context)
        return WireEnd(end.connector, end.options, sealed, end.path, end.name)

    async def _what(self, connection: AsyncConnection, batch: Batch) -> tuple[list[WirePlanned], list[WireUpload]]:
        kept = await uploads.of_pair(connection, batch.pair)
        planned: list[WirePlanned] = []
        if batch.manifest is not None:
            still = await items.open_in(connection, batch.migration, batch.id)
            planned = only(unpacked(batch.manifest), still)
            kept = [upload for upload in kept if upload.key in still]
        opened = [await self._opened(batch, upload) for upload in kept]
        return planned, [upload for upload in opened if upload is not None]

    async def _opened(self, batch: Batch, upload: uploads.Upload) -> WireUpload | None:
        state = await self._secrets.open_upload(batch.owner, batch.pair, upload.sealed)
        if state is None:
            return None
        parts = [WirePart(*part) for part in upload.parts]
        return WireUpload(upload.path, upload.key_id, upload.version, state, parts)

    async def _not_opened(self, connection: AsyncConnection, batch: Batch, problem: MoverError) -> None:
        """Without its secrets it cannot be done: later, if the keys are away for the moment, and else not at all."""
        if problem.retry is Retry.NEVER:
            await batches.end(
                connection, batch.id, "failed", code=problem.code, reason=problem.detail, advice=problem.advice
            )
            await settle_run(connection, batch.run)
        else:
            await batches.end(
                connection,
                batch.id,
                "ready",
                pause=_KEYS_AWAY,
                uncounted=True,
                code=problem.code,
                reason=problem.detail,
                advice=problem.advice,
            )

    async def _set_aside(self, connection: AsyncConnection, batch: Batch) -> None:
        still: Sequence[tuple[bytes, bytes]] = []
        if batch.manifest is not None:
            still = sorted(await items.open_in(connection, batch.migration, batch.id))
        if still:
            await items.fail(connection, batch.migration, batch.id, "quarantined", _NO_MORE)
        state = "done" if batch.work == "copy" else "failed"
        await batches.end(connection, batch.id, state, code="quarantined", reason=_NO_MORE)
        await settle_run(connection, batch.run)
