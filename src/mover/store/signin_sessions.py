"""Sessions: begun, found, renewed, ended. All by the database's clock. Functions work in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

IDLE: Final = 12 * 3600
"""Seconds without a request after which a session is over."""

LONGEST: Final = 30 * 86400
"""Seconds after which a session is over whatever happens."""

RECENT: Final = 600
"""Seconds for which somebody counts as having just proved who they are."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is shown to whoever it belongs to."""

    id: int
    method: str
    created: datetime
    seen: datetime
    expires: datetime
    address: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """Whose session a token is. `recent`: they proved who they are within the last ten minutes."""

    session: Session
    account: int
    name: str
    role: str
    recent: bool
    stale: bool


_SHOWN: Final = "s.id, s.method, s.created, s.seen, s.expires, s.address, s.agent"
_LIVE: Final = f"s.expires > now() AND s.seen > now() - interval '{IDLE} seconds'"
_BEGIN: Final = text(f"""
    INSERT INTO mover.session AS s (account, hash, method, expires, address, agent)
    VALUES (:account, :hash, :method, now() + interval '{LONGEST} seconds', :address, :agent)
    RETURNING {_SHOWN}""").bindparams(bindparam("address", type_=Text), bindparam("agent", type_=Text))  # noqa: S608  # constants
_FIND: Final = text(f"""
    SELECT {_SHOWN}, a.id AS account, a.name, a.role, s.authenticated_at > now() - interval '{RECENT} seconds' AS recent,
           s.seen < now() - interval '1 minute' AS stale
    FROM mover.session s JOIN mover.account a ON a.id = s.account
    WHERE s.hash = :hash AND a.disabled IS NULL AND {_LIVE}""")  # noqa: S608  # constants
_SEEN: Final = text("UPDATE mover.session SET seen = now() WHERE id = :id")
_OF: Final = text(f"SELECT {_SHOWN} FROM mover.session s WHERE s.account = :account AND {_LIVE} ORDER BY s.id")  # noqa: S608  # constants
_RENEW: Final = text(f"""
    UPDATE mover.session s SET hash = :hash, authenticated_at = CASE WHEN :proved THEN now() ELSE s.authenticated_at END, seen = now()
    WHERE s.id = :id AND s.account = :account AND {_LIVE} RETURNING {_SHOWN}""")  # noqa: S608  # constants
_END: Final = text("DELETE FROM mover.session WHERE account = :account AND id = :id")
_END_HASH: Final = text("DELETE FROM mover.session WHERE hash = :hash")
_END_ALL: Final = text("DELETE FROM mover.session WHERE account = :account AND id <> :but")
_PRUNE: Final = text(f"""
    DELETE FROM mover.session WHERE id IN (
        SELECT s.id FROM mover.session s WHERE NOT ({_LIVE}) ORDER BY s.id LIMIT 100 FOR UPDATE SKIP LOCKED)""")  # noqa: S608  # constants


async def begin(
    connection: AsyncConnection, account: int, hash_: bytes, method: str, *, address: str | None, agent: str | None
) -> Session:
    """Keep a new session."""
    given = {"account": account, "hash": hash_, "method": method, "address": address, "agent": agent}
    return Session(*(await connection.execute(_BEGIN, given)).one())


async def find(connection: AsyncConnection, hash_: bytes) -> Found | None:
    """The session of a token; `None` if it is over, or its account disabled."""
    row = (await connection.execute(_FIND, {"hash": hash_})).one_or_none()
    if row is None:
        return None
    return Found(Session(*row[:7]), row.account, row.name, row.role, row.recent, row.stale)


async def note_seen(connection: AsyncConnection, number: int) -> None:
    """The session was used now."""
    await connection.execute(_SEEN, {"id": number})


async def of_account(connection: AsyncConnection, account: int) -> list[Session]:
    """The account's sessions that are not over."""
    return [Session(*row) for row in await connection.execute(_OF, {"account": account})]


async def renew(
    connection: AsyncConnection, account: int, number: int, hash_: bytes, *, proved: bool
) -> Session | None:
    """Another token for the session, whose old one is worth nothing any more; `None` if it is over."""
    given = {"account": account, "id": number, "hash": hash_, "proved": proved}
    row = (await connection.execute(_RENEW, given)).one_or_none()
    return None if row is None else Session(*row)


async def end(connection: AsyncConnection, account: int, number: int) -> bool:
    """End one of the account's sessions; `False` if it has none of that number."""
    return (await connection.execute(_END, {"account": account, "id": number})).rowcount == 1


async def end_by_hash(connection: AsyncConnection, hash_: bytes) -> None:
    """End the session of a token, if there is one."""
    await connection.execute(_END_HASH, {"hash": hash_})


async def end_all(connection: AsyncConnection, account: int, *, but: int | None = None) -> int:
    """End all sessions of the account, except one if it is named; how many there were."""
    return (await connection.execute(_END_ALL, {"account": account, "but": but or 0})).rowcount


async def prune(connection: AsyncConnection) -> None:
    """Delete some sessions that are over."""
    await connection.execute(_PRUNE)
