"""What people do with their own way of signing in."""

from __future__ import annotations

from dataclasses import dataclass

from mover.audit.events import Event
from mover.core.errors import UnknownThing
from mover.core.secret import Secret
from mover.service.actor import Actor
from mover.service.desk import Desk
from mover.service.noting import note
from mover.service.signin import policy, sessions
from mover.service.signin.sessions import Opened
from mover.store import signin_accounts, signin_factors, signin_invitations, signin_passkeys


@dataclass(frozen=True, slots=True)
class Ways:
    """By what the account signs in."""

    password: bool
    one_time_codes: bool
    recovery_codes_left: int
    passkeys: int


async def ways(desk: Desk, actor: Actor) -> Ways:
    """By what the actor's own account signs in. Raises `UnknownThing` if it is gone."""
    async with desk.database.read() as connection:
        known = await signin_accounts.get(connection, actor.account)
        if known is None:
            raise UnknownThing("the account is gone")
        totp = await signin_factors.totp_of(connection, actor.account)
        left = await signin_factors.codes_left(connection, actor.account)
        keys = await signin_passkeys.of_account(connection, actor.account)
    return Ways(known.password is not None, totp is not None, left, len(keys))


async def change_password(desk: Desk, actor: Actor, password: Secret) -> Opened:
    """Another password. All sessions end but the actor's own, which goes on with another token.

    Raises:
        BadOption: the password is not one to take.
        ProveAgain: whoever is signed in must prove who they are first.
    """
    actor.must_be_recent()
    policy.check(actor.name, password)
    hashed = await desk.passwords.hashed(password)
    async with desk.database.transaction() as connection:
        await signin_accounts.set_password(connection, actor.account, hashed)
        await signin_invitations.end(connection, actor.account)
        opened = await sessions.renew(connection, actor, others_end=True)
        await note(connection, actor, Event.SIGN_IN_CHANGED, actor.name, method="password", change="set")
    return opened
