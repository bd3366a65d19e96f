"""Signing in by password and code, and proving again who one is. Whatever is wrong, the answer is the same and takes as long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.events import Event
from mover.core.errors import NotProved
from mover.core.errors.access import SecondFactorNeeded
from mover.core.secret import Secret
from mover.service.actor import Actor, Role
from mover.service.desk import Desk
from mover.service.noting import note, note_nobody
from mover.service.signin import codes, sessions, throttle
from mover.service.signin.codes import Matched
from mover.service.signin.sessions import Opened, Visitor
from mover.store import signin_accounts
from mover.store.signin_accounts import Known

PASSWORD: Final = "password"  # noqa: S105  # the name of a method
UNKNOWN: Final = "(unknown)"
"""The subject of a failed sign-in to no account of ours: what was typed as a name may be a password."""

_GONE: Final = "code used before, or account changed meanwhile"
_WRONG: Final = "name, password or code is not right"
_ADVICE: Final = "Check all of it. An owner of the service can send you a link to set a new password."


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody signs in by. One of `code` (from the authenticator app) and `recovery_code` is enough, where one is asked for."""

    name: str
    password: Secret
    code: Secret | None = None
    recovery_code: Secret | None = None


async def by_password(desk: Desk, given: Given, visitor: Visitor) -> Opened:
    """A new session.

    Raises:
        NotProved: something is wrong; it does not say what.
        SecondFactorNeeded: the password is right; send it again with a code.
        TooOften: too many attempts for this name or from this address.
    """
    known, factor = await _proved(desk, given, visitor)
    opened: Opened | None = None
    async with desk.database.transaction() as connection:
        if await _taken(connection, known, factor):
            await throttle.forgive(connection, known.name, visitor.origin.address)
            role = cast("Role", known.role)
            opened = await sessions.begin(connection, known.id, known.name, role, PASSWORD, visitor)
            second = None if factor is None else factor.method
            await note(connection, opened.actor, Event.SIGNED_IN, known.name, method=PASSWORD, second_factor=second)
    if opened is None:
        raise await _refused(desk, known, visitor, _GONE)
    await _hash_anew(desk, known, given.password)
    return opened


async def again(desk: Desk, actor: Actor, given: Given, visitor: Visitor) -> Opened:
    """Prove again who one is; the session goes on with another token. Raises as `by_password`."""
    known, factor = await _proved(desk, given, visitor)
    async with desk.database.transaction() as connection:
        if await _taken(connection, known, factor):
            await throttle.forgive(connection, known.name, visitor.origin.address)
            return await sessions.renew(connection, actor, others_end=False, proved=True)
    raise await _refused(desk, known, visitor, _GONE)


async def _proved(desk: Desk, given: Given, visitor: Visitor) -> tuple[Known, Matched | None]:
    await throttle.charge(desk, given.name, visitor.origin.address)
    async with desk.database.read() as connection:
        known = await signin_accounts.named(connection, given.name)
    usable = known is not None and not known.disabled
    stored = known.password if known is not None and usable else None
    right = await desk.passwords.verify(stored, given.password)
    if known is None or not right:
        raise await _refused(desk, known, visitor, "wrong password" if usable else "no such account")
    return known, await _second(desk, known, given, visitor)


async def _second(desk: Desk, known: Known, given: Given, visitor: Visitor) -> Matched | None:
    number = await codes.asked_of(desk, known.id)
    if number is None:
        return None
    if given.code is None and given.recovery_code is None:
        await throttle.halfway(desk, known.name, visitor.origin.address)
        raise SecondFactorNeeded("the account asks for a code too")
    matched = await codes.match(desk, known.id, number, given.code, given.recovery_code)
    if matched is None:
        raise await _refused(desk, known, visitor, "wrong code")
    return matched


async def _taken(connection: AsyncConnection, known: Known, factor: Matched | None) -> bool:
    """Whether the account is as it was looked at, and the code was not used by somebody who was quicker."""
    now = await signin_accounts.get(connection, known.id, lock=True)
    if now is None or now.disabled or now.password != known.password:
        return False
    return factor is None or await factor.take(connection, known.id)


async def _refused(desk: Desk, known: Known | None, visitor: Visitor, reason: str) -> NotProved:
    """Note it, and answer what to raise."""
    name = UNKNOWN if known is None else known.name
    async with desk.database.transaction() as connection:
        await note_nobody(connection, visitor.origin, Event.SIGN_IN_FAILED, name, method=PASSWORD, reason=reason)
    return NotProved(_WRONG, advice=_ADVICE)


async def _hash_anew(desk: Desk, known: Known, password: Secret) -> None:
    """A password that was hashed at lower costs is hashed at today's, as it is at hand."""
    if known.password is not None and desk.passwords.outdated(known.password):
        anew = await desk.passwords.hashed(password)
        async with desk.database.transaction() as connection:
            await signin_accounts.rehash(connection, known.id, known.password, anew)
