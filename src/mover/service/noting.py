"""Use-cases tell the audit log what was done, by whom and from where. Note last: others wait for the log until the transaction ends."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.canonical import Json, tidy
from mover.audit.entry import LONGEST_ID, Act
from mover.audit.events import Actor as Kind
from mover.audit.events import Event
from mover.audit.log import append
from mover.service.actor import MACHINE, Actor, Origin

_NOBODY: Final = "nobody"


async def note(connection: AsyncConnection, actor: Actor, event: Event, subject: object, **details: Json) -> None:
    """Write to the log that `actor` did this to `subject` (an id), in the caller's transaction.

    Raises:
        NotLoggable: the details are not those of the event; what was done is undone then.
    """
    kind, name = _who(actor)
    await append(connection, [_act(event, kind, name, subject, details, actor.origin)])


async def note_nobody(
    connection: AsyncConnection, origin: Origin, event: Event, subject: object, **details: Json
) -> None:
    """The same for somebody who is not signed in."""
    await append(connection, [_act(event, Kind.NOBODY, _NOBODY, subject, details, origin)])


async def note_runner(connection: AsyncConnection, runner: str, event: Event, **details: Json) -> None:
    """The same for what a runner does to itself: it joins."""
    await append(connection, [_act(event, Kind.RUNNER, runner, runner, details, Origin())])


def _act(event: Event, kind: Kind, actor: str, subject: object, details: Mapping[str, Json], origin: Origin) -> Act:
    tidied = {name: tidy(value) if isinstance(value, str) else value for name, value in details.items()}
    named = tidy(str(subject), LONGEST_ID) or "-"
    return Act(event, kind, tidy(actor, LONGEST_ID), named, tidied, request=origin.request, address=origin.address)


def _who(actor: Actor) -> tuple[Kind, str]:
    """An account goes by its name, a key by the number under which its making was noted, the machine by the system's user."""
    if actor.key is not None:
        return Kind.API_KEY, str(actor.key)
    if actor.by == MACHINE:
        return Kind.MACHINE, _system_user()
    return Kind.ACCOUNT, actor.name


def _system_user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
