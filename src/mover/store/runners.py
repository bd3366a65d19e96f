"""Runners and the tokens by which they join."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner as it was enrolled; keys are raw, 32 bytes each."""

    id: str
    name: str
    pool: str | None
    signing_key: bytes
    box_key: bytes
    enrolled: datetime
    seen: datetime | None


_COLUMNS: Final = "id, name, pool, signing_key, box_key, enrolled, seen"
_GET: Final = text(f"SELECT {_COLUMNS} FROM mover.runner WHERE id = :id AND removed IS NULL")  # noqa: S608  # a constant of this module
_ALL: Final = text(f"SELECT {_COLUMNS} FROM mover.runner WHERE removed IS NULL ORDER BY enrolled, id")  # noqa: S608  # as above
_COUNT: Final = {
    "lease": text(
        "UPDATE mover.runner SET lease_count = :count, seen = now() WHERE id = :id AND lease_count < :count AND removed IS NULL"
    ),
    "journal": text(
        "UPDATE mover.runner SET journal_count = :count, seen = now() WHERE id = :id AND journal_count < :count AND removed IS NULL"
    ),
}
_TOKEN: Final = text("""
    INSERT INTO mover.enrolment (made_by, hash, pool, expires)
    VALUES (:made_by, :hash, :pool, now() + make_interval(secs => :seconds)) RETURNING expires""").bindparams(
    bindparam("pool", type_=Text)
)
_USE: Final = text("""
    UPDATE mover.enrolment SET runner = :runner WHERE hash = :hash AND runner IS NULL AND expires > now() RETURNING pool""")
_ADD: Final = text("""
    INSERT INTO mover.runner (id, name, pool, signing_key, box_key)
    VALUES (:id, :name, :pool, :signing_key, :box_key)""").bindparams(bindparam("pool", type_=Text))
_REMOVE: Final = text("UPDATE mover.runner SET removed = now() WHERE id = :id AND removed IS NULL")
_FREE: Final = text(
    "UPDATE mover.batch SET leased_until = now() - interval '1 second' WHERE runner = :id AND state = 'leased'"
)


async def get(connection: AsyncConnection, runner: str) -> Runner | None:
    """The runner, unless it was removed."""
    row = (await connection.execute(_GET, {"id": runner})).one_or_none()
    return None if row is None else Runner(*row)


async def every(connection: AsyncConnection) -> list[Runner]:
    """All runners that were not removed."""
    return [Runner(*row) for row in await connection.execute(_ALL)]


async def count(connection: AsyncConnection, runner: str, verb: Literal["lease", "journal"], number: int) -> bool:
    """Take the number of a request; `False` if it is not higher than the last one's: the request came before."""
    return (await connection.execute(_COUNT[verb], {"id": runner, "count": number})).rowcount == 1


async def add_token(
    connection: AsyncConnection, made_by: int, hash_: bytes, *, pool: str | None, seconds: float
) -> datetime:
    """Keep a token's hash; answers when it runs out."""
    given = {"made_by": made_by, "hash": hash_, "pool": pool, "seconds": seconds}
    return (await connection.execute(_TOKEN, given)).scalar_one()


async def use_token(connection: AsyncConnection, hash_: bytes, runner: str) -> tuple[bool, str | None]:
    """Use a token up, once. Answers whether it was good, and the pool it is for."""
    row = (await connection.execute(_USE, {"hash": hash_, "runner": runner})).one_or_none()
    return (False, None) if row is None else (True, row.pool)


async def add(
    connection: AsyncConnection, runner: str, name: str, *, pool: str | None, signing_key: bytes, box_key: bytes
) -> None:
    """Keep a new runner."""
    given = {"id": runner, "name": name, "pool": pool, "signing_key": signing_key, "box_key": box_key}
    await connection.execute(_ADD, given)


async def remove(connection: AsyncConnection, runner: str) -> bool:
    """No request of the runner counts from now on, and others may have its work. `False` if there is none."""
    await connection.execute(_FREE, {"id": runner})
    return (await connection.execute(_REMOVE, {"id": runner})).rowcount == 1
