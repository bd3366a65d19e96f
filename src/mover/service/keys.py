"""API keys: shown once, kept as a proof, found in leaks by their form.

`mvk_` (so that scanners know it), 40 random letters and digits, and 6 that are a checksum, so that what is no key costs no question to the
database. The first 12 characters name the key in lists.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from mover.audit.events import Event
from mover.core.errors import BadOption, NotProved, UnknownThing
from mover.core.secret import Secret
from mover.service.actor import Actor, Origin, Permission, Role
from mover.service.desk import Desk
from mover.service.noting import note
from mover.store import keys
from mover.store.keys import Key

BEGINNING: Final = "mvk_"
PREFIX: Final = 12
_RANDOM: Final = 40
_CHECK: Final = 6
_LETTERS: Final = string.digits + string.ascii_letters
_NO_KEY: Final = "the key is none, was revoked, or has run out"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `secret` is shown once and kept nowhere."""

    key: Key
    secret: Secret


async def add(
    desk: Desk, actor: Actor, name: str, scopes: Sequence[Permission], expires: datetime | None = None
) -> NewKey:
    """Make a key for the actor's own account; it may no more than the actor.

    Raises:
        BadOption: a scope is more than the actor may, or the end lies in the past.
        ProveAgain: whoever is signed in must prove who they are first.
    """
    actor.must(Permission.KEYS_WRITE)
    actor.must_be_recent()
    if beyond := [scope for scope in scopes if scope not in actor.may]:
        raise BadOption(f"you may not give {beyond[0].value}, as you do not have it yourself", item="scopes")
    if expires is not None and expires <= desk.clock.now():
        raise BadOption("the key would have run out already", item="expires")
    if not name.strip() or len(name) > 100 or not name.isprintable():  # noqa: PLR2004  # characters
        raise BadOption("a key's name has 1 to 100 printable characters", item="name")
    secret = _new()
    async with desk.database.transaction() as connection:
        made = await keys.add(
            connection,
            actor.account,
            name,
            prefix=secret[:PREFIX],
            hash_=await _proof(desk, secret),
            scopes=[scope.value for scope in scopes],
            expires=expires,
        )
        told = {
            "prefix": made.prefix,
            "scopes": made.scopes,
            "expires": None if expires is None else expires.isoformat(),
        }
        await note(connection, actor, Event.API_KEY_CREATED, made.id, **told, name=name, owner=actor.name)
    return NewKey(made, Secret(secret))


async def prove(desk: Desk, given: Secret, origin: Origin | None = None) -> Actor:
    """Whose key this is; `origin` is where the request came from. Raises `NotProved`."""
    text = given.reveal()
    if not _has_form(text):
        raise NotProved(_NO_KEY)
    async with desk.database.transaction() as connection:
        found = await keys.find(connection, text[:PREFIX])
        if found is None or not hmac.compare_digest(found.hash, await _proof(desk, text)):
            raise NotProved(_NO_KEY)
        await keys.note_use(connection, found.key)
    scopes = frozenset(Permission(scope) for scope in found.scopes)
    role, by = cast("Role", found.role), f"key {text[:PREFIX]}"
    return Actor(found.account, found.name, role, by, scopes, origin or Origin(), key=found.key)


async def every(desk: Desk, actor: Actor) -> list[Key]:
    """The actor's own keys."""
    async with desk.database.read() as connection:
        return await keys.of_account(connection, actor.account)


async def revoke(desk: Desk, actor: Actor, number: int) -> None:
    """The key opens nothing from now on. Raises `UnknownThing`."""
    actor.must(Permission.KEYS_WRITE)
    async with desk.database.transaction() as connection:
        prefix = await keys.revoke(connection, actor.account, number)
        if prefix is None:
            raise UnknownThing("you have no key of that number")
        await note(connection, actor, Event.API_KEY_REVOKED, number, prefix=prefix, cause="by hand")


def _new() -> str:
    body = BEGINNING + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    return body + _check(body)


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_LETTERS))
        digits = _LETTERS[digit] + digits
    return digits


def _has_form(text: str) -> bool:
    right = len(text) == len(BEGINNING) + _RANDOM + _CHECK and text.startswith(BEGINNING) and text.isascii()
    return right and _check(text[:-_CHECK]) == text[-_CHECK:]


async def _proof(desk: Desk, text: str) -> bytes:
    return hmac.digest(await desk.secrets.pepper(), text.encode(), hashlib.sha256)
