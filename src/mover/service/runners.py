"""Runners join by a one-time token and sign every request; nothing they say is believed without."""

from __future__ import annotations

import binascii
import hashlib
import secrets
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from mover.audit.events import Event
from mover.core.clock import Clock
from mover.core.errors import BadOption, NotProved, Replayed, Sealed, UnknownThing
from mover.core.secret import Secret
from mover.crypto.boxes import seal_to
from mover.crypto.signatures import VerifyKey
from mover.service.actor import Actor, Permission
from mover.service.desk import Desk
from mover.service.leases import KnownRunner
from mover.service.noting import note, note_runner
from mover.store import runners
from mover.store.database import Database
from mover.store.runners import Runner
from mover.wire.messages import VERSION, EnrolAnswer, EnrolRequest
from mover.wire.signing import COUNT, RUNNER, SIGNATURE, SKEW, signed_part

TOKEN: Final = "mve_"  # noqa: S105  # how tokens begin, so that scanners find a leaked one
LIFE: Final = 3600.0
"""Seconds in which a token must be used."""

_LONGEST_NAME: Final = 100
_REFUSED: Final = "Enrol the runner again with a new token (`mover runner enroll`), and check that its clock is right."


async def make_token(desk: Desk, actor: Actor, *, pool: str | None = None) -> tuple[Secret, datetime]:
    """A token for one runner of a pool, shown once; and when it runs out (UTC)."""
    actor.must(Permission.RUNNERS_WRITE)
    token = f"{TOKEN}{secrets.token_urlsafe(32)}"
    async with desk.database.transaction() as connection:
        until = await runners.add_token(connection, actor.account, _hash(token), pool=pool, seconds=LIFE)
        told = {"pool": pool, "expires": until.isoformat()}
        await note(connection, actor, Event.RUNNER_TOKEN_CREATED, "any", **told)
    return Secret(token), until


async def every(desk: Desk, actor: Actor) -> list[Runner]:
    """All runners."""
    actor.must(Permission.RUNNERS_READ)
    async with desk.database.read() as connection:
        return await runners.every(connection)


async def remove(desk: Desk, actor: Actor, runner: str) -> None:
    """Nothing the runner says counts from now on. Raises `UnknownThing`."""
    actor.must(Permission.RUNNERS_WRITE)
    async with desk.database.transaction() as connection:
        if not await runners.remove(connection, runner):
            raise UnknownThing("there is no such runner")
        await note(connection, actor, Event.RUNNER_REMOVED, runner, cause="by hand")


class Enrolments:
    """Who joins, and who asks."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        """Let a runner join.

        Raises:
            NotProved: the token is none, was used, or has run out.
            BadOption: a key is none, the name is empty or too long, or it speaks another version.
        """
        if request.version != VERSION:
            raise BadOption(
                f"the runner speaks version {request.version} of the protocol, the server {VERSION}",
                advice="Install the same version of Mover on both.",
            )
        name = request.name.strip()
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise BadOption(f"a runner's name has 1 to {_LONGEST_NAME} printable characters", item="name")
        VerifyKey(request.signing_key)
        try:
            seal_to(request.box_key, b"", b"enrolment")
        except Sealed as problem:
            raise BadOption("the runner's box key is none", item="box_key") from problem
        id_ = f"runner-{secrets.token_hex(8)}"
        async with self._database.transaction() as connection:
            good, pool = await runners.use_token(connection, _hash(request.token), id_)
            if not good:
                raise NotProved("the token is none, was used already, or has run out", advice=_REFUSED)
            keys = {"signing_key": request.signing_key, "box_key": request.box_key}
            await runners.add(connection, id_, name, pool=pool, **keys)
            half = request.signing_key.hex()
            await note_runner(connection, id_, Event.RUNNER_ENROLLED, pool=pool, public_half=half, name=name)
        return EnrolAnswer(id_)

    async def prove(
        self, verb: Literal["lease", "journal"], method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> KnownRunner:
        """Who sent this request.

        Raises:
            NotProved: nobody we know, or the request was changed, sent before, or is out of our clock's reach.
        """
        try:
            runner, number, signature = _said(headers)
        except (KeyError, ValueError) as error:
            raise NotProved("the request is not signed as a runner's", advice=_REFUSED) from error
        if abs(number / 1e9 - self._clock.now().timestamp()) > SKEW:
            raise NotProved("the runner's clock differs by more than five minutes", advice="Set the runner's clock.")
        async with self._database.transaction() as connection:
            found = await runners.get(connection, runner)
            if found is None:
                raise NotProved("this runner is not known, or was removed", advice=_REFUSED)
            try:
                VerifyKey(found.signing_key).verify(signature, signed_part(method, path, runner, number, body))
            except Sealed as error:
                raise NotProved("the request's signature does not hold", advice=_REFUSED) from error
            if not await runners.count(connection, runner, verb, number):
                raise Replayed("this request came before")
        return KnownRunner(found.id, found.box_key, found.pool)


def _said(headers: Mapping[str, str]) -> tuple[str, int, bytes]:
    try:
        signature = b64decode(headers[SIGNATURE], validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    count = headers[COUNT]
    if not count.isascii() or not count.isdigit() or len(count) > len(str(2**63)):
        raise ValueError("no count")
    return headers[RUNNER], min(int(count), 2**63 - 1), signature


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
