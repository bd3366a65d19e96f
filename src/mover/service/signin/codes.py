"""One-time codes (TOTP) and recovery codes: set up, checked, taken once.

Source: RFC 6238 (SHA-1, 6 digits, 30 seconds: what authenticator apps know), NIST SP 800-63B-4 §3.1.2 and §3.1.5.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyotp import random_base32
from pyotp import totp as generators
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.events import Event
from mover.core.errors import BadOption, UnknownThing
from mover.core.secret import Secret
from mover.service.actor import Actor
from mover.service.desk import Desk
from mover.service.noting import note
from mover.service.secrets import TOTP, owner_of
from mover.service.signin import sessions
from mover.service.signin.sessions import Opened
from mover.store import signin_factors, vault_queries

ISSUER: Final = "Mover"
STEP: Final = 30
"""Seconds for which a code is shown."""
RECOVERY_CODES: Final = 10

_AROUND: Final = (0, -1, 1)
"""Time steps that are accepted beside the present one: clocks differ, and typing takes time."""
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 16
_CODE: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app takes in, shown this once: the secret, and the same as an address for a QR code."""

    secret: Secret
    address: Secret


@dataclass(frozen=True, slots=True)
class Matched:
    """A code that fits, and can be taken once: that of a time step, or a recovery code (then there is no step)."""

    method: str
    totp: int = 0
    step: int = 0
    hash: bytes = b""

    async def take(self, connection: AsyncConnection, account: int) -> bool:
        """Use it up; `False` if somebody was quicker."""
        if self.method == TOTP:
            return await signin_factors.take_step(connection, self.totp, self.step)
        return await signin_factors.use_code(connection, account, self.hash)


async def enrol(desk: Desk, actor: Actor) -> Enrolment:
    """Begin to set up one-time codes; nothing changes until the first one is confirmed. Raises `ProveAgain`."""
    actor.must_be_recent()
    secret = Secret(random_base32())
    async with desk.database.transaction() as connection:
        number = await signin_factors.add_totp(connection, actor.account)
        sealed = await desk.secrets.seal_totp(actor.account, number, secret)
        await vault_queries.save(connection, owner_of(actor.account), TOTP, str(number), sealed)
    address = generators.TOTP(secret.reveal()).provisioning_uri(name=actor.name, issuer_name=ISSUER)
    return Enrolment(secret, Secret(address))


async def confirm(desk: Desk, actor: Actor, code: str) -> tuple[Opened, list[Secret]]:
    """Put the codes in use that wait for it, instead of any before. Answers new recovery codes, shown this once.

    Raises:
        BadOption: the code is not right.
        UnknownThing: nothing waits for a code.
        ProveAgain: whoever is signed in must prove who they are first.
    """
    actor.must_be_recent()
    async with desk.database.read() as connection:
        found = await signin_factors.totp_of(connection, actor.account, confirmed=False)
    secret = None if found is None else await desk.secrets.open_totp(actor.account, found.id)
    if found is None or secret is None:
        raise UnknownThing("no one-time codes wait to be confirmed", advice="Begin to set them up anew.")
    step = _step_of(desk, secret, code)
    if step is None:
        raise BadOption("that is not the code", item="code", advice="Check the clock of the device that shows it.")
    made = _new_codes()
    hashes = [await _hash(desk, actor.account, one) for one in made]
    async with desk.database.transaction() as connection:
        await _forget(connection, actor.account, but=found.id)
        if not await signin_factors.confirm_totp(connection, found.id, step):
            raise UnknownThing("no one-time codes wait to be confirmed", advice="Begin to set them up anew.")
        await signin_factors.set_codes(connection, actor.account, hashes)
        opened = await sessions.renew(connection, actor, others_end=True)
        await note(connection, actor, Event.SIGN_IN_CHANGED, actor.name, method=TOTP, change="set")
    return opened, [Secret(_shown(one)) for one in made]


async def remove(desk: Desk, actor: Actor) -> Opened:
    """From now on no code is asked for; recovery codes go too. Raises `ProveAgain`."""
    actor.must_be_recent()
    async with desk.database.transaction() as connection:
        await forget_all(connection, actor.account)
        opened = await sessions.renew(connection, actor, others_end=True)
        await note(connection, actor, Event.SIGN_IN_CHANGED, actor.name, method=TOTP, change="removed")
    return opened


async def new_recovery_codes(desk: Desk, actor: Actor) -> list[Secret]:
    """Recovery codes in place of the old ones, shown this once. Raises `UnknownThing` without one-time codes, `ProveAgain`."""
    actor.must_be_recent()
    made = _new_codes()
    hashes = [await _hash(desk, actor.account, one) for one in made]
    async with desk.database.transaction() as connection:
        if await signin_factors.totp_of(connection, actor.account) is None:
            raise UnknownThing("recovery codes stand in for one-time codes, and there are none", advice="Set those up.")
        await signin_factors.set_codes(connection, actor.account, hashes)
        await note(connection, actor, Event.SIGN_IN_CHANGED, actor.name, method="recovery", change="set")
    return [Secret(_shown(one)) for one in made]


async def asked_of(desk: Desk, account: int) -> int | None:
    """The number of the account's one-time codes; `None` if it has none, and no code is asked for."""
    async with desk.database.read() as connection:
        found = await signin_factors.totp_of(connection, account)
    return None if found is None else found.id


async def match(desk: Desk, account: int, number: int, code: Secret | None, recovery: Secret | None) -> Matched | None:
    """What fits of what was given: a code of the one-time codes `number`, or a recovery code. It is not taken yet."""
    if code is not None:
        secret = await desk.secrets.open_totp(account, number)
        step = None if secret is None else _step_of(desk, secret, code.reveal())
        return None if step is None else Matched(TOTP, totp=number, step=step)
    if recovery is None:
        return None
    plain = _plain(recovery.reveal())
    return Matched("recovery", hash=await _hash(desk, account, plain)) if len(plain) == _LENGTH else None


async def forget_all(connection: AsyncConnection, account: int) -> None:
    """Delete one-time codes and recovery codes."""
    await _forget(connection, account)
    await signin_factors.set_codes(connection, account, [])


async def _forget(connection: AsyncConnection, account: int, *, but: int | None = None) -> None:
    for number in await signin_factors.remove_totp(connection, account, but=but):
        await vault_queries.forget(connection, owner_of(account), TOTP, str(number))


def _step_of(desk: Desk, secret: Secret, code: str) -> int | None:
    code = code.replace(" ", "")
    if not _CODE.fullmatch(code):
        return None
    codes = generators.TOTP(secret.reveal())
    now = int(desk.clock.now().timestamp()) // STEP
    return next((now + n for n in _AROUND if hmac.compare_digest(codes.generate_otp(now + n), code)), None)


def _new_codes() -> Sequence[str]:
    return ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)]


def _shown(code: str) -> str:
    return "-".join(code[place : place + 4] for place in range(0, _LENGTH, 4))


def _plain(given: str) -> str:
    return "".join(letter for letter in given.casefold() if letter in _LETTERS)


async def _hash(desk: Desk, account: int, code: str) -> bytes:
    return hmac.digest(await desk.secrets.pepper(), f"recovery code {account} {code}".encode(), hashlib.sha256)
