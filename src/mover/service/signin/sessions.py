"""Sessions: a token of 256 random bits in a cookie, of which the database has the hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.events import Event
from mover.core.errors import NotProved, UnknownThing
from mover.core.secret import Secret
from mover.service.actor import Actor, Origin, Role
from mover.service.desk import Desk
from mover.service.noting import note
from mover.store import signin_sessions
from mover.store.signin_sessions import Session

BY: Final = "session"
_AGENT: Final = 120
_NONE: Final = "nobody is signed in, or the session is over"


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was begun or got another token just now."""

    actor: Actor
    session: Session
    token: Secret


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever signs in: where from, with what program, and the token of the session that they come with, if any."""

    origin: Origin
    agent: str | None = None
    token: Secret | None = None


async def prove(desk: Desk, token: Secret, origin: Origin) -> tuple[Actor, Session]:
    """Whose session it is. Raises `NotProved`."""
    async with desk.database.transaction() as connection:
        found = await signin_sessions.find(connection, _hash(token))
        if found is None:
            raise NotProved(_NONE, advice="Sign in.")
        if found.stale:
            await signin_sessions.note_seen(connection, found.session.id)
    role = cast("Role", found.role)
    number = found.session.id
    actor = Actor(found.account, found.name, role, BY, None, origin, session=number, recent=found.recent)
    return actor, found.session


async def begin(
    connection: AsyncConnection, account: int, name: str, role: Role, method: str, visitor: Visitor
) -> Opened:
    """A new session with a new token; the one that the visitor came with is over."""
    await signin_sessions.prune(connection)
    if visitor.token is not None:
        await signin_sessions.end_by_hash(connection, _hash(visitor.token))
    token = _new()
    agent = None if visitor.agent is None else _printable(visitor.agent)
    address = visitor.origin.address
    made = await signin_sessions.begin(connection, account, _hash(token), method, address=address, agent=agent)
    return Opened(Actor(account, name, role, BY, None, visitor.origin, session=made.id), made, token)


async def renew(connection: AsyncConnection, actor: Actor, *, others_end: bool, proved: bool = False) -> Opened:
    """Another token for the actor's own session, as what they may do, or how they sign in, has changed.

    `proved`: they have just proved who they are. Raises `NotProved` if the session is over.
    """
    token = _new()
    number = actor.session or 0
    made = await signin_sessions.renew(connection, actor.account, number, _hash(token), proved=proved)
    if made is None:
        raise NotProved(_NONE, advice="Sign in.")
    if others_end:
        await signin_sessions.end_all(connection, actor.account, but=number)
    recent = actor.recent or proved
    renewed = Actor(actor.account, actor.name, actor.role, BY, None, actor.origin, session=number, recent=recent)
    return Opened(renewed, made, token)


async def every(desk: Desk, actor: Actor) -> list[Session]:
    """The actor's own sessions."""
    async with desk.database.read() as connection:
        return await signin_sessions.of_account(connection, actor.account)


async def end(desk: Desk, actor: Actor, number: int) -> None:
    """End one of the actor's own sessions. Raises `UnknownThing`."""
    async with desk.database.transaction() as connection:
        if not await signin_sessions.end(connection, actor.account, number):
            raise UnknownThing("you have no session of that number")
        cause = "signed out" if number == actor.session else "ended by hand"
        await note(connection, actor, Event.SIGNED_OUT, actor.name, cause=cause)


async def end_others(desk: Desk, actor: Actor) -> int:
    """End all of the actor's own sessions but the one they act by; how many there were."""
    async with desk.database.transaction() as connection:
        ended = await signin_sessions.end_all(connection, actor.account, but=actor.session)
        await note(connection, actor, Event.SIGNED_OUT, actor.name, cause="all others ended by hand")
    return ended


def cross_site_token(token: Secret) -> str:
    """What a page must send with each change, made of the session's token: another site can neither read nor make it."""
    return hmac.digest(token.reveal().encode(), b"mover cross-site token", "sha256").hex()


def _new() -> Secret:
    return Secret(secrets.token_urlsafe(32))


def _hash(token: Secret) -> bytes:
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).digest()


def _printable(text: str) -> str:
    return "".join(letter for letter in text[:_AGENT] if letter.isprintable())
