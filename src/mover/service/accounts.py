"""Accounts: made and listed by owners."""

from __future__ import annotations

import re
from typing import Final

from mover.audit.events import Event
from mover.core.errors import BadOption, UnknownThing
from mover.service.actor import MACHINE, MAY, Actor, Permission, Role
from mover.service.desk import MOST, Desk
from mover.service.noting import note
from mover.store import accounts
from mover.store.accounts import Account

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@+_-]{0,99}")
SELF: Final = MACHINE


async def add(desk: Desk, actor: Actor, name: str, role: Role) -> Account:
    """Make an account. Raises `BadOption`, `NameTaken`, `NotAllowed`."""
    actor.must(Permission.ACCOUNTS_WRITE)
    if not NAME.fullmatch(name):
        raise BadOption("an account's name has 1 to 100 letters, digits and . @ + _ -", item="name")
    if role not in MAY:
        raise BadOption(f"a role is one of {', '.join(MAY)}", item="role")
    actor.must_cover(role)
    async with desk.naming("account", name) as connection:
        made = await accounts.add(connection, name, role, None)
        await note(connection, actor, Event.ACCOUNT_CREATED, name, role=role, by=actor.name)
    return made


async def page(desk: Desk, actor: Actor, *, after: int, most: int) -> list[Account]:
    """All accounts."""
    actor.must(Permission.ACCOUNTS_READ)
    async with desk.database.read() as connection:
        return await accounts.page(connection, after=after, most=min(most, MOST))


async def acting_for(desk: Desk, name: str) -> Actor:
    """An account as whoever has the server's own files in hand acts for it: on that machine, never over a network.

    Raises:
        UnknownThing: there is no such account.
    """
    async with desk.database.read() as connection:
        found = await accounts.named(connection, name)
    if found is None:
        raise UnknownThing(f"there is no account {name}")
    return Actor(found.id, found.name, found.role, SELF)  # pyright: ignore[reportArgumentType]  # the table's own check


def administrator() -> Actor:
    """Whoever has the server's own files in hand: may make the first account."""
    return Actor(0, SELF, "owner", SELF)
