"""Saved connections: made, shown, removed. Secrets go in and never come out again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mover.audit.events import Event
from mover.connectors.registry import spec
from mover.core.errors import BadOption, RowConflict, UnknownThing, WrongState
from mover.core.options import Options, Value
from mover.core.secret import Secret
from mover.service.actor import Actor, Permission
from mover.service.desk import MOST, Desk
from mover.service.noting import note
from mover.service.secrets import CONNECTION, owner_of
from mover.store import connections, vault_queries
from mover.store.connections import Connection

NAME: Final = re.compile(r"[\w][\w .@+-]{0,99}")
_OF_MACHINES: Final = frozenset({"local", "memory"})
_PATHS: Final = frozenset({"agent_socket", "ca_file", "key_file", "known_hosts", "use_agent"})


async def add(
    desk: Desk, actor: Actor, name: str, connector: str, options: Mapping[str, Value], pool: str | None = None
) -> Connection:
    """Keep a connection; what the connector's spec calls a secret is sealed.

    Raises:
        BadOption, NotEncrypted: the options do not fit the connector.
        NameTaken: the actor has one of that name.
    """
    actor.must(Permission.CONNECTIONS_WRITE)
    _must_be_name(name)
    checked = _checked(desk, connector, options)
    secrets = {key: value for key, value in checked.items() if isinstance(value, Secret)}
    plain = {key: value for key, value in options.items() if key not in secrets}
    async with desk.naming("connection", name) as connection:
        made = await connections.add(connection, actor.account, name, connector, plain, pool)
        if secrets:
            sealed = await desk.secrets.seal_connection(actor.account, made.id, secrets)
            await vault_queries.save(connection, owner_of(actor.account), CONNECTION, str(made.id), sealed)
        channel = checked.channel.name.lower()
        await note(connection, actor, Event.CONNECTION_ADDED, made.id, provider=connector, channel=channel, name=name)
    return made


async def get(desk: Desk, actor: Actor, number: int) -> Connection:
    """A connection of the actor's own. Raises `UnknownThing`."""
    actor.must(Permission.CONNECTIONS_READ)
    async with desk.database.read() as connection:
        found = await connections.get(connection, number)
    if found is None:
        raise UnknownThing("there is no connection of that number")
    actor.must_own(found.owner, "connection")
    return found


async def page(desk: Desk, actor: Actor, *, after: int, most: int) -> list[Connection]:
    """The actor's own connections."""
    actor.must(Permission.CONNECTIONS_READ)
    async with desk.database.read() as connection:
        return await connections.of_owner(connection, actor.account, after=after, most=min(most, MOST))


async def remove(desk: Desk, actor: Actor, number: int) -> None:
    """Delete a connection with its secrets.

    Raises:
        UnknownThing: there is none.
        WrongState: a migration uses it.
        ProveAgain: whoever is signed in must prove who they are first.
    """
    actor.must(Permission.CONNECTIONS_WRITE)
    actor.must_be_recent()
    found = await get(desk, actor, number)
    try:
        async with desk.database.transaction() as connection:
            await connections.remove(connection, found.id)
            await vault_queries.forget(connection, owner_of(found.owner), CONNECTION, str(found.id))
            told = {"provider": found.connector, "name": found.name}
            await note(connection, actor, Event.CONNECTION_REMOVED, found.id, **told)
    except RowConflict as problem:
        raise WrongState(f"migrations use the connection {found.name}", advice="Remove those first.") from problem


def _must_be_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadOption(
            "a name has 1 to 100 letters, digits, spaces and . @ + - _, and begins with a letter or digit", item="name"
        )


def _checked(desk: Desk, connector: str, options: Mapping[str, Value]) -> Options:
    """The options as the connector takes them; none may name something of a runner's machine, unless that is allowed."""
    checked = Options(spec(connector), options)
    if desk.local_paths:
        return checked
    if connector in _OF_MACHINES:
        raise BadOption(
            f"connections of the kind {connector} would read the runners' own disks",
            item="connector",
            advice="Use the server's own protocol; or start the service with --local-paths if you own everything on it.",
        )
    for name in sorted(_PATHS & options.keys()):
        if options[name]:
            raise BadOption(
                f"{name} would name a file of the runner's machine",
                item=name,
                advice="Give its content in the option for that, or start the service with --local-paths.",
            )
    return checked
