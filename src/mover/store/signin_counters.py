"""How often somebody tried to sign in: counted before the attempt, so that a thousand at once count a thousand times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` attempts cost nothing; each one more doubles the wait, from 2 seconds to `longest`; all is forgotten after `forgotten`."""

    kind: str
    free: int
    longest: float
    forgotten: float


_CHARGE: Final = text("""
    INSERT INTO mover.sign_in_counter AS c (kind, subject, failures, until)
    VALUES (:kind, :subject, 1, to_timestamp(0))
    ON CONFLICT (kind, subject) DO UPDATE SET
        failures = CASE WHEN c.touched < now() - make_interval(secs => :forgotten) THEN 1 ELSE c.failures + 1 END,
        until = CASE
            WHEN c.touched < now() - make_interval(secs => :forgotten) OR c.failures < :free THEN to_timestamp(0)
            ELSE now() + make_interval(secs => least(:longest, power(2, least(c.failures + 1 - :free, 20)))) END,
        touched = now()
    WHERE c.until <= now()
    RETURNING failures""")
_WAIT: Final = text("""
    SELECT greatest(0, extract(epoch FROM until - now()))::float8 FROM mover.sign_in_counter
    WHERE kind = :kind AND subject = :subject""")
_RESET: Final = text("DELETE FROM mover.sign_in_counter WHERE kind = :kind AND subject = :subject")
_REFUND: Final = text("""
    UPDATE mover.sign_in_counter SET failures = greatest(0, failures - 1), until = to_timestamp(0)
    WHERE kind = :kind AND subject = :subject""")
_PRUNE: Final = text("""
    DELETE FROM mover.sign_in_counter WHERE (kind, subject) IN (
        SELECT kind, subject FROM mover.sign_in_counter WHERE touched < now() - interval '2 days'
        ORDER BY touched LIMIT 20 FOR UPDATE SKIP LOCKED)""")


async def charge(connection: AsyncConnection, rule: Rule, subject: bytes) -> float | None:
    """Count one attempt. `None`: it may go on; else how many seconds nobody may try, and nothing was counted."""
    key = {"kind": rule.kind, "subject": subject}
    given = {**key, "free": rule.free, "longest": rule.longest, "forgotten": rule.forgotten}
    if (await connection.execute(_CHARGE, given)).one_or_none() is not None:
        return None
    return float((await connection.execute(_WAIT, key)).scalar_one())


async def reset(connection: AsyncConnection, rule: Rule, subject: bytes) -> None:
    """Forget all attempts."""
    await connection.execute(_RESET, {"kind": rule.kind, "subject": subject})


async def refund(connection: AsyncConnection, rule: Rule, subject: bytes) -> None:
    """One attempt was right, and does not count; the next may come at once."""
    await connection.execute(_REFUND, {"kind": rule.kind, "subject": subject})


async def prune(connection: AsyncConnection) -> None:
    """Delete some counters that nobody asked for in two days."""
    await connection.execute(_PRUNE)
