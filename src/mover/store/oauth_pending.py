"""Sign-ins at providers that were begun. Functions work in the caller's transaction; times are the database's."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST: Final = 20
"""Sign-ins that one account may have begun at a time; the oldest goes."""

_TIDY: Final = text("DELETE FROM mover.oauth_pending WHERE expires <= now()")
_ADD: Final = text("""
    INSERT INTO mover.oauth_pending (state, session, account, sealed, expires)
    VALUES (:state, :session, :account, :sealed, now() + make_interval(secs => :seconds))""")
_BOUND: Final = text("""
    DELETE FROM mover.oauth_pending WHERE state IN (
        SELECT state FROM mover.oauth_pending WHERE account = :account ORDER BY begun DESC, state OFFSET :most)""")
_TAKE: Final = text("""
    DELETE FROM mover.oauth_pending WHERE state = :state AND session = :session AND expires > now() RETURNING sealed""")


async def add(
    connection: AsyncConnection, state: bytes, session: bytes, account: int, sealed: bytes, *, seconds: float
) -> None:
    """Keep one for that long, and let those go whose time is over. `state` and `session` are SHA-256 sums."""
    await connection.execute(_TIDY)
    given = {"state": state, "session": session, "account": account, "sealed": sealed, "seconds": seconds}
    await connection.execute(_ADD, given)
    await connection.execute(_BOUND, {"account": account, "most": MOST})


async def take(connection: AsyncConnection, state: bytes, session: bytes) -> bytes | None:
    """Take one out, once; `None` if that session began no such one, or its time is over."""
    return (await connection.execute(_TAKE, {"state": state, "session": session})).scalar_one_or_none()
