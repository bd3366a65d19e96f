"""Whose turn it is to renew a connection's tokens. Functions work in the caller's transaction; times are the database's, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of ours. `generation` is that of the tokens that are saved now.

    `lost`: the provider was asked before, and the answer never came or was not saved.
    """

    generation: int
    lost: bool


_ENTER: Final = text("""
    INSERT INTO mover.oauth_turn (connection) VALUES (:connection) ON CONFLICT (connection) DO NOTHING""")
_TAKE: Final = text("""
    UPDATE mover.oauth_turn SET holder = :holder, until = now() + make_interval(secs => :seconds)
    WHERE connection = :connection AND (holder IS NULL OR until <= now()) RETURNING generation, asked IS NOT NULL""")
_ASK: Final = text("""
    UPDATE mover.oauth_turn SET asked = now()
    WHERE connection = :connection AND holder = :holder AND until > now() + make_interval(secs => :seconds)""")
_END: Final = text("""
    UPDATE mover.oauth_turn SET holder = NULL, until = NULL, asked = CASE WHEN :answered THEN NULL ELSE asked END
    WHERE connection = :connection AND holder = :holder""")
_SAVE: Final = text("""
    UPDATE mover.oauth_turn SET generation = generation + 1, saved_by = :holder, saved = now(), asked = NULL
    WHERE connection = :connection AND generation = :generation""")
_SAVED_BY: Final = text("SELECT saved_by FROM mover.oauth_turn WHERE connection = :connection")


async def take(connection: AsyncConnection, number: int, holder: str, *, seconds: float) -> Turn | None:
    """Take the turn of a connection for that long; `None` while another has it.

    Raises:
        RowConflict: there is no such connection.
    """
    given = {"connection": number, "holder": holder, "seconds": seconds}
    await connection.execute(_ENTER, {"connection": number})
    row = (await connection.execute(_TAKE, given)).one_or_none()
    return None if row is None else Turn(*row)


async def ask(connection: AsyncConnection, number: int, holder: str, *, seconds: float) -> bool:
    """Note that the provider is about to be asked; `False` if less than that is left of the turn."""
    given = {"connection": number, "holder": holder, "seconds": seconds}
    return (await connection.execute(_ASK, given)).rowcount == 1


async def end(connection: AsyncConnection, number: int, holder: str, *, answered: bool) -> None:
    """Give the turn back, if it is still ours. `answered`: it is known what came of asking."""
    await connection.execute(_END, {"connection": number, "holder": holder, "answered": answered})


async def save(connection: AsyncConnection, number: int, holder: str, generation: int) -> bool:
    """Count one more set of tokens, which the caller saves in this transaction; `False` if others were saved since `generation`."""
    given = {"connection": number, "holder": holder, "generation": generation}
    return (await connection.execute(_SAVE, given)).rowcount == 1


async def saved_by(connection: AsyncConnection, number: int) -> str | None:
    """Who saved the newest tokens."""
    return (await connection.execute(_SAVED_BY, {"connection": number})).scalar_one_or_none()
