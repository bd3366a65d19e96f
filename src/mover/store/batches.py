"""Batches: made, offered, leased, kept, ended. Every change of hands is one statement, by the database's clock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Text


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is leased. `manifest` is packed, and `None` for a scan."""

    id: int
    run: int
    pair: int
    migration: int
    owner: int
    work: str
    fence: int
    claims: int
    manifest: bytes | None


@dataclass(frozen=True, slots=True)
class Held:
    """The batch that a report is about. `repeated`: the report was taken before."""

    id: int
    run: int
    pair: int
    migration: int
    owner: int
    work: str
    run_state: str
    bytes_per_second: int | None
    repeated: bool


_COLUMNS: Final = "b.id, b.run, b.pair, b.migration, b.owner, b.work, b.fence, b.claims, b.manifest"

_ADD: Final = text("""
    INSERT INTO mover.batch (run, pair, migration, owner, work, pools)
    SELECT r.id, :pair, r.migration, r.owner, :work,
           (SELECT coalesce(jsonb_agg(DISTINCT c.pool), '[]') FROM mover.connection c
            WHERE c.id IN (m.source, m.destination) AND c.pool IS NOT NULL)
    FROM mover.run r JOIN mover.migration m ON m.id = r.migration WHERE r.id = :run
    RETURNING id""")

_FILL: Final = text("UPDATE mover.batch SET manifest = :manifest, items = :items, bytes = :bytes WHERE id = :id")

_OFFER: Final = text("""
    UPDATE mover.batch b SET state = 'offered', touched = now()
    FROM mover.run r
    WHERE b.id = :id AND b.seq = :seq AND b.state = 'ready' AND r.id = b.run AND r.state = 'running'""")

_LEASE: Final = text(f"""
    WITH chosen AS (
        SELECT b.id FROM mover.batch b JOIN mover.run r ON r.id = b.run
        WHERE (b.state = 'offered' OR (b.state = 'leased' AND b.leased_until < now()))
          AND b.work = :work AND r.state = 'running' AND b.pools <@ CAST(:pools AS jsonb)
          AND (b.not_before IS NULL OR b.not_before <= now())
        ORDER BY b.state = 'leased' DESC, b.touched, b.id
        LIMIT :most FOR UPDATE OF b SKIP LOCKED)
    UPDATE mover.batch b
    SET state = 'leased', fence = b.fence + 1, claims = b.claims + 1, report = 0, runner = :runner,
        leased_until = now() + make_interval(secs => :seconds), touched = now()
    FROM chosen WHERE b.id = chosen.id
    RETURNING {_COLUMNS}""")  # noqa: S608  # a constant of this module

_HOLD: Final = text("""
    UPDATE mover.batch b
    SET leased_until = now() + make_interval(secs => :seconds), touched = now(),
        bytes_moved = b.bytes_moved + CASE WHEN b.report < :number THEN :moved ELSE 0 END,
        report = greatest(b.report, :number),
        counts = coalesce(CAST(:counts AS jsonb), b.counts)
    FROM (SELECT id, report FROM mover.batch WHERE id = :id FOR UPDATE) before, mover.run r
    WHERE b.id = before.id AND r.id = b.run AND b.state = 'leased' AND b.fence = :fence AND b.runner = :runner
    RETURNING b.id, b.run, b.pair, b.migration, b.owner, b.work, r.state AS run_state, r.bytes_per_second,
              before.report >= :number AS repeated""")

_END: Final = text("""
    UPDATE mover.batch
    SET state = :state, manifest = CASE WHEN :state IN ('ready', 'offered') THEN manifest END,
        seq = seq + CASE WHEN :state = 'ready' THEN 1 ELSE 0 END,
        claims = greatest(0, claims - CASE WHEN :uncounted THEN 1 ELSE 0 END),
        not_before = now() + make_interval(secs => :pause),
        code = :code, reason = :reason, advice = :advice, leased_until = NULL, touched = now()
    WHERE id = :id""").bindparams(
    bindparam("code", type_=Text), bindparam("reason", type_=Text), bindparam("advice", type_=Text)
)

_OPEN: Final = text("""
    SELECT count(*) FILTER (WHERE state IN ('ready', 'offered')) AS waiting,
           count(*) FILTER (WHERE state = 'leased' AND leased_until >= now()) AS leased,
           count(*) FILTER (WHERE state = 'leased' AND leased_until < now()) AS expired,
           count(*) FILTER (WHERE state = 'failed') AS failed
    FROM mover.batch WHERE run = :run""")

_TIDY: Final = text("""
    INSERT INTO mover.batch (run, pair, migration, owner, work, pools)
    SELECT DISTINCT b.run, b.pair, b.migration, b.owner, 'tidy', b.pools FROM mover.batch b
    WHERE b.run = :run AND b.work = 'copy'
      AND (b.fence > 1 OR EXISTS (SELECT FROM mover.attempt a WHERE a.run = b.run AND a.pair = b.pair))
      AND NOT EXISTS (SELECT FROM mover.batch t WHERE t.run = b.run AND t.pair = b.pair AND t.work = 'tidy')""")

_SETTLED: Final = text("""
    SELECT u.id FROM unnest(:ids) AS u (id)
    WHERE NOT EXISTS (SELECT FROM mover.batch b WHERE b.id = u.id AND b.state IN ('offered', 'leased'))""").bindparams(
    bindparam("ids", type_=ARRAY(BigInteger))
)


async def add(connection: AsyncConnection, run: int, pair: int, work: str) -> int:
    """Make a batch that is ready to be offered. Answers its number."""
    made = await connection.execute(_ADD, {"run": run, "pair": pair, "work": work})
    return int(made.scalar_one())


async def fill(connection: AsyncConnection, batch: int, manifest: bytes, *, items: int, size: int) -> None:
    """Say what is to be copied; `size` in bytes."""
    await connection.execute(_FILL, {"id": batch, "manifest": manifest, "items": items, "bytes": size})


async def drop(connection: AsyncConnection, batch: int) -> None:
    """Remove a batch in which nothing is left to do."""
    await connection.execute(text("DELETE FROM mover.batch WHERE id = :id"), {"id": batch})


async def offer(connection: AsyncConnection, batch: int, seq: int) -> bool:
    """Let runners have the batch, if it is still ready, this is its latest wait, and its run is under way."""
    return (await connection.execute(_OFFER, {"id": batch, "seq": seq})).rowcount == 1


async def lease(
    connection: AsyncConnection, runner: str, work: str, *, most: int, pools: Sequence[str], seconds: float
) -> list[Batch]:
    """Give up to `most` batches to a runner: those whose lease has run out first, then the longest offered."""
    given = {"runner": runner, "work": work, "most": most, "pools": json.dumps(list(pools)), "seconds": seconds}
    return [Batch(*row) for row in await connection.execute(_LEASE, given)]


async def hold(
    connection: AsyncConnection,
    batch: int,
    fence: int,
    runner: str,
    *,
    number: int,
    seconds: float,
    counts: dict[str, Any] | None,
    moved: int,
) -> Held | None:
    """Keep a lease for a report. `None`: it is not this runner's any more, and nothing it says may count."""
    given = {
        "id": batch,
        "fence": fence,
        "runner": runner,
        "number": number,
        "seconds": seconds,
        "counts": None if counts is None else json.dumps(counts),
        "moved": moved,
    }
    row = (await connection.execute(_HOLD, given)).one_or_none()
    return None if row is None else Held(*row)


async def note_progress(connection: AsyncConnection, batch: int) -> None:
    """Whoever has the batch got on with it: it does not end its runners, and the leases before this one do not count."""
    await connection.execute(text("UPDATE mover.batch SET claims = 1 WHERE id = :id AND claims > 1"), {"id": batch})


async def end(
    connection: AsyncConnection,
    batch: int,
    state: str,
    *,
    pause: float = 0.0,
    uncounted: bool = False,
    code: str | None = None,
    reason: str | None = None,
    advice: str | None = None,
) -> None:
    """End a lease. `pause`: seconds until the batch may be leased again; `uncounted`: the lease does not count as a claim."""
    given = {"id": batch, "state": state, "pause": pause, "uncounted": uncounted}
    await connection.execute(_END, {**given, "code": code, "reason": reason, "advice": advice})


@dataclass(frozen=True, slots=True)
class Open:
    """What a run still has to do, in batches."""

    waiting: int
    leased: int
    expired: int
    failed: int


async def open_of(connection: AsyncConnection, run: int) -> Open:
    """How many batches of the run are not done."""
    return Open(*(await connection.execute(_OPEN, {"run": run})).one())


async def add_tidying(connection: AsyncConnection, run: int) -> int:
    """Make a batch that tidies, once, for each pair of which a runner or a connection was lost while it copied. Answers how many."""
    return (await connection.execute(_TIDY, {"run": run})).rowcount


async def settled(connection: AsyncConnection, ids: Sequence[int]) -> list[int]:
    """Which of the batches nobody waits for any more; those that are gone among them."""
    return list((await connection.execute(_SETTLED, {"ids": list(ids)})).scalars())


async def withdraw(connection: AsyncConnection, run: int) -> None:
    """Take back what is offered and not leased: a run that pauses gives out nothing new."""
    await connection.execute(
        text(
            "UPDATE mover.batch SET state = 'ready', seq = seq + 1, touched = now() WHERE run = :run AND state = 'offered'"
        ),
        {"run": run},
    )


async def drop_open(connection: AsyncConnection, run: int) -> None:
    """End all that a stopped run had not done yet."""
    await connection.execute(
        text("""UPDATE mover.batch SET state = 'withdrawn', manifest = NULL, fence = fence + 1, leased_until = NULL, touched = now()
                WHERE run = :run AND state IN ('ready', 'offered', 'leased')"""),
        {"run": run},
    )
