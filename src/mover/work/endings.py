"""How a batch ends, and with the last of them its run."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.store import batches, items, runs
from mover.store.batches import Held
from mover.store.items import Of
from mover.wire.messages import Ended

PATIENCE: Final = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds to leave a connection alone after each time it was lost; after the last one the run pauses."""


async def end_batch(connection: AsyncConnection, held: Held, ended: Ended) -> None:
    """Bring the batch to where its end leaves it: done, to be done again later, or failed."""
    if held.work == "copy":
        await _keep_counts(connection, held)
    if ended.state == "done":
        await _done(connection, held)
    elif ended.state == "failed":
        await batches.end(connection, held.id, "failed", code=ended.code, reason=ended.detail, advice=ended.advice)
    elif ended.state == "given-up" or held.run_state != "running":
        await batches.end(connection, held.id, "ready", uncounted=True)
    else:
        await _lost(connection, held, ended)


async def settle_run(connection: AsyncConnection, run: int) -> None:
    """End the run if nothing of it is left to do, or if it waited for the last hand to come to rest."""
    now = await runs.get(connection, run, lock=True)
    if now is None or now.state not in {"running", "pausing", "stopping"}:
        return
    still = await batches.open_of(connection, run)
    if now.state in {"pausing", "stopping"}:
        if still.leased == 0:
            await _rest(connection, now)
    elif not (still.waiting or still.leased or still.expired or await batches.add_tidying(connection, run)):
        await runs.keep_totals(connection, run, await items.counts_of_run(connection, now.migration, run))
        await _finish(connection, run, failed=still.failed > 0)


async def _rest(connection: AsyncConnection, run: runs.Run) -> None:
    if run.state == "pausing":
        await batches.withdraw(connection, run.id)
        await runs.move(connection, run.id, "paused", "pausing", code=run.code, reason=run.reason, advice=run.advice)
        return
    await batches.drop_open(connection, run.id)
    await runs.keep_totals(connection, run.id, await items.counts_of_run(connection, run.migration, run.id))
    await runs.move(connection, run.id, "stopped", "stopping", reason=run.reason)


async def _finish(connection: AsyncConnection, run: int, *, failed: bool) -> None:
    if not failed:
        await runs.move(connection, run, "done", "running")
        return
    query = text(
        "SELECT code, reason, advice FROM mover.batch WHERE run = :run AND state = 'failed' ORDER BY id LIMIT 1"
    )
    first = (await connection.execute(query, {"run": run})).one()
    await runs.move(connection, run, "failed", "running", code=first.code, reason=first.reason, advice=first.advice)


async def _done(connection: AsyncConnection, held: Held) -> None:
    await batches.end(connection, held.id, "done")
    if held.work == "scan":
        await items.end_scan(connection, Of(held.migration, held.pair, held.run))


async def _lost(connection: AsyncConnection, held: Held, ended: Ended) -> None:
    """A connection is gone: again after a while, a few times; then, or where waiting is no use, the run pauses and says why."""
    query = text("SELECT claims FROM mover.batch WHERE id = :id")
    claims = int((await connection.execute(query, {"id": held.id})).scalar_one())
    code, reason, advice = ended.code, ended.detail, ended.advice
    if ended.again and claims <= len(PATIENCE):
        pause = max(ended.after or 0.0, PATIENCE[claims - 1])
        await batches.end(connection, held.id, "ready", pause=pause, code=code, reason=reason, advice=advice)
        return
    await batches.end(connection, held.id, "ready", code=code, reason=reason, advice=advice)
    query = text("UPDATE mover.batch SET claims = 0 WHERE run = :run AND state IN ('ready', 'offered')")
    await connection.execute(query, {"run": held.run})
    await runs.move(connection, held.run, "pausing", "running", code=code, reason=reason, advice=advice)
    await batches.withdraw(connection, held.run)


async def _keep_counts(connection: AsyncConnection, held: Held) -> None:
    counts = await items.counts_of_batch(connection, held.migration, held.id)
    query = text("UPDATE mover.batch SET counts = jsonb_build_object('items', CAST(:items AS jsonb)) WHERE id = :id")
    await connection.execute(query, {"id": held.id, "items": json.dumps(counts)})
