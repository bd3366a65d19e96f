"""A link by which a person sets the password of an account: the first one, or another when it was lost."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final, cast

from mover.audit.events import Event
from mover.core.errors import NotProved, UnknownThing
from mover.core.secret import Secret
from mover.service.actor import Actor, Origin, Permission, Role
from mover.service.desk import Desk
from mover.service.noting import note
from mover.service.signin import policy, throttle
from mover.store import signin_accounts, signin_counters, signin_invitations, signin_sessions

TOKEN: Final = "mvi_"  # noqa: S105  # how tokens begin, so that scanners find a leaked one
LIFE: Final = 3 * 86_400.0
"""Seconds in which an invitation must be used."""

BY: Final = "invitation"
_REFUSED: Final = "the invitation is none, was used already, or has run out"


async def invite(desk: Desk, actor: Actor, account: int) -> tuple[Secret, datetime]:
    """A token for the person of an account, shown once; and when it runs out (UTC). Earlier ones are worth nothing any more.

    Raises:
        UnknownThing: there is no such account, or it is disabled.
        NotAllowed: the actor may less than the account.
        ProveAgain: whoever is signed in must prove who they are first.
    """
    actor.must(Permission.ACCOUNTS_WRITE)
    actor.must_be_recent()
    token = f"{TOKEN}{secrets.token_urlsafe(32)}"
    async with desk.database.transaction() as connection:
        found = await signin_accounts.get(connection, account)
        if found is None or found.disabled:
            raise UnknownThing("there is no such account, or it is disabled")
        actor.must_cover(cast("Role", found.role))
        made_by = actor.account or None
        until = await signin_invitations.add(connection, account, made_by, _hash(token), seconds=LIFE)
        await note(connection, actor, Event.SIGN_IN_CHANGED, found.name, method="password", change="invited")
    return Secret(token), until


async def accept(desk: Desk, token: Secret, password: Secret, origin: Origin) -> str:
    """Set the password of the account that is invited; all its sessions end. Answers its name.

    Raises:
        NotProved: the token is none, was used, or has run out.
        BadOption: the password is not one to take; the invitation still is good.
        TooOften: too many wrong tokens from this address.
    """
    hash_ = _hash(token.reveal())
    await throttle.charge(desk, None, origin.address)
    async with desk.database.transaction() as connection:
        found = await signin_invitations.whose(connection, hash_)
        if found is not None:
            await throttle.forgive(connection, None, origin.address)
    if found is None:
        raise NotProved(_REFUSED, advice="Ask an owner of the service for a new one.")
    policy.check(found[1], password)
    hashed = await desk.passwords.hashed(password)
    async with desk.database.transaction() as connection:
        number = await signin_invitations.use(connection, hash_)
        known = None if number is None else await signin_accounts.get(connection, number, lock=True)
        if known is None:
            raise NotProved(_REFUSED, advice="Ask an owner of the service for a new one.")
        await signin_accounts.set_password(connection, known.id, hashed)
        await signin_sessions.end_all(connection, known.id)
        await signin_counters.reset(connection, throttle.ACCOUNT, throttle.of_name(known.name))
        invited = Actor(known.id, known.name, cast("Role", known.role), BY, None, origin)
        await note(
            connection, invited, Event.SIGN_IN_CHANGED, known.name, method="password", change="set by invitation"
        )
    return known.name


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
