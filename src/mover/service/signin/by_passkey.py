"""Use-cases of passkeys: added, removed, signed in by, proved again by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from mover.audit.events import Event
from mover.core.errors import BadOption, NotProved, RowConflict, UnknownThing
from mover.service.actor import Actor, Role
from mover.service.desk import Desk
from mover.service.noting import note, note_nobody
from mover.service.signin import passkeys, sessions, throttle
from mover.service.signin.passkeys import Site
from mover.service.signin.sessions import Opened, Visitor
from mover.store import signin_accounts, signin_passkeys
from mover.store.signin_passkeys import Passkey, Proof

PASSKEY: Final = "passkey"
MOST: Final = 20
"""Passkeys of one account."""

_GONE: Final = "the passkey was used at the same moment elsewhere, or is gone"


async def ask_to_add(desk: Desk, actor: Actor, site: Site) -> dict[str, Any]:
    """Options for the browser to make a passkey. Raises `ProveAgain`, `BadOption`."""
    actor.must_be_recent()
    return await passkeys.ask_to_register(desk, actor.account, actor.name, site)


async def add(desk: Desk, actor: Actor, site: Site, name: str, answer: Mapping[str, Any]) -> tuple[Opened, Passkey]:
    """Keep the passkey that the browser made. Raises `ProveAgain`, `BadOption`."""
    actor.must_be_recent()
    if not name.strip() or len(name) > 100 or not name.isprintable():  # noqa: PLR2004  # characters
        raise BadOption("a passkey's name has 1 to 100 printable characters", item="name")
    new = await passkeys.registered(desk, actor.account, site, answer)
    try:
        async with desk.database.transaction() as connection:
            if len(await signin_passkeys.of_account(connection, actor.account)) >= MOST:
                raise BadOption(f"an account has {MOST} passkeys at most", advice="Remove one first.")
            made = await signin_passkeys.add(connection, actor.account, name, new)
            opened = await sessions.renew(connection, actor, others_end=False)
            await note(connection, actor, Event.SIGN_IN_CHANGED, actor.name, method=PASSKEY, change="set", name=name)
    except RowConflict:
        raise BadOption("that passkey is known already", item="credential") from None
    return opened, made


async def every(desk: Desk, actor: Actor) -> list[Passkey]:
    """The actor's own passkeys."""
    async with desk.database.read() as connection:
        return await signin_passkeys.of_account(connection, actor.account)


async def remove(desk: Desk, actor: Actor, number: int) -> Opened:
    """Nobody signs in by the passkey any more. Raises `UnknownThing`, `ProveAgain`."""
    actor.must_be_recent()
    async with desk.database.transaction() as connection:
        name = await signin_passkeys.remove(connection, actor.account, number)
        if name is None:
            raise UnknownThing("you have no passkey of that number")
        opened = await sessions.renew(connection, actor, others_end=True)
        await note(connection, actor, Event.SIGN_IN_CHANGED, actor.name, method=PASSKEY, change="removed", name=name)
    return opened


async def sign_in(desk: Desk, site: Site, answer: Mapping[str, Any], visitor: Visitor) -> Opened:
    """A new session. Raises `NotProved`, `TooOften`."""
    proof, count = await _proved(desk, site, answer, visitor)
    async with desk.database.transaction() as connection:
        known = await signin_accounts.get(connection, proof.account, lock=True)
        if known is None or known.disabled or not await signin_passkeys.note_use(connection, proof, count):
            raise NotProved(_GONE)
        await throttle.forgive(connection, None, visitor.origin.address)
        role = cast("Role", known.role)
        opened = await sessions.begin(connection, known.id, known.name, role, PASSKEY, visitor)
        await note(connection, opened.actor, Event.SIGNED_IN, known.name, method=PASSKEY)
    return opened


async def again(desk: Desk, actor: Actor, site: Site, answer: Mapping[str, Any], visitor: Visitor) -> Opened:
    """Prove again who one is; the session goes on with another token. Raises `NotProved`, `TooOften`."""
    proof, count = await _proved(desk, site, answer, visitor)
    async with desk.database.transaction() as connection:
        if proof.account != actor.account or not await signin_passkeys.note_use(connection, proof, count):
            raise NotProved(_GONE)
        await throttle.forgive(connection, None, visitor.origin.address)
        return await sessions.renew(connection, actor, others_end=False, proved=True)


async def _proved(desk: Desk, site: Site, answer: Mapping[str, Any], visitor: Visitor) -> tuple[Proof, int]:
    await throttle.charge(desk, None, visitor.origin.address)
    try:
        return await passkeys.proved(desk, site, answer)
    except NotProved:
        async with desk.database.transaction() as connection:
            told = {"method": PASSKEY, "reason": "the answer does not hold"}
            await note_nobody(connection, visitor.origin, Event.SIGN_IN_FAILED, "(unknown)", **told)
        raise
