"""Changes to accounts by owners of the service, and the end of an account. One owner who can sign in is always left."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.events import Event
from mover.core.errors import BadOption, UnknownThing, WrongState
from mover.service.actor import MAY, Actor, Permission, Role
from mover.service.desk import Desk
from mover.service.noting import note
from mover.service.secrets import TOTP, owner_of
from mover.store import (
    account_removal,
    batches,
    signin_accounts,
    signin_factors,
    signin_passkeys,
    signin_sessions,
    vault_queries,
)
from mover.store.signin_accounts import Known

_LAST: Final = "this is the last owner: nobody could make accounts any more"
_FIRST: Final = "Make another account an owner first."


async def change_role(desk: Desk, actor: Actor, number: int, role: Role) -> None:
    """Another role; all sessions of the account end, its keys may at most what the role may.

    Raises:
        UnknownThing: there is no such account.
        NotAllowed: the actor may less than the account, or than the role.
        WrongState: it is the last owner.
        ProveAgain: whoever is signed in must prove who they are first.
    """
    actor.must_be_recent()
    if role not in MAY:
        raise BadOption(f"a role is one of {', '.join(MAY)}", item="role")
    async with desk.database.transaction() as connection:
        owners = await signin_accounts.owners(connection)
        found = await _account(connection, actor, number)
        actor.must_cover(role)
        if role != "owner":
            _leave_an_owner(owners, found)
        await signin_accounts.set_role(connection, number, role)
        await signin_sessions.end_all(connection, number)
        await note(connection, actor, Event.ROLE_CHANGED, found.name, before=found.role, after=role)


async def disable(desk: Desk, actor: Actor, number: int) -> None:
    """Nobody gets in by the account, its keys or its sessions until it is enabled again. Raises as `change_role`."""
    actor.must_be_recent()
    async with desk.database.transaction() as connection:
        owners = await signin_accounts.owners(connection)
        found = await _account(connection, actor, number)
        _leave_an_owner(owners, found)
        await signin_sessions.end_all(connection, number)
        if await signin_accounts.disable(connection, number):
            await note(connection, actor, Event.ACCOUNT_CHANGED, found.name, change="disabled")


async def enable(desk: Desk, actor: Actor, number: int) -> None:
    """Let the account in again. Raises as `change_role`."""
    actor.must_be_recent()
    async with desk.database.transaction() as connection:
        found = await _account(connection, actor, number)
        if await signin_accounts.enable(connection, number):
            await note(connection, actor, Event.ACCOUNT_CHANGED, found.name, change="enabled")


async def remove_second_factors(desk: Desk, actor: Actor, number: int) -> None:
    """One-time codes, recovery codes and passkeys of somebody who lost them; their sessions end. Raises as `change_role`."""
    actor.must_be_recent()
    async with desk.database.transaction() as connection:
        found = await _account(connection, actor, number)
        for totp in await signin_factors.remove_totp(connection, number):
            await vault_queries.forget(connection, owner_of(number), TOTP, str(totp))
        await signin_factors.set_codes(connection, number, [])
        await signin_passkeys.remove_all(connection, number)
        await signin_sessions.end_all(connection, number)
        await note(connection, actor, Event.SIGN_IN_CHANGED, found.name, method="second factors", change="removed")


async def remove(desk: Desk, actor: Actor, number: int) -> None:
    """The end of an account: an owner's act, or its own person's.

    At once: sessions, keys, credentials and the keys that sealed them are gone, its runs are stopped. Then its migrations and connections
    go, one by one; when that is interrupted nobody gets in by the account all the same, and asking again goes on.

    Raises:
        UnknownThing, NotAllowed, WrongState, ProveAgain: as `change_role`.
    """
    actor.must_be_recent()
    async with desk.database.transaction() as connection:
        owners = await signin_accounts.owners(connection)
        own = actor.account == number and actor.session is not None
        found = await (_known(connection, number) if own else _account(connection, actor, number))
        _leave_an_owner(owners, found)
        for run in await account_removal.lay_bare(connection, number):
            await batches.drop_open(connection, run)
        await vault_queries.forget_owner(connection, owner_of(number))
        count = await account_removal.connections_of(connection, number)
        await note(connection, actor, Event.ACCOUNT_REMOVED, found.name, connections=count)
    await _shred(desk, actor, found)
    async with desk.database.read() as connection:
        migrations = await account_removal.migrations_of(connection, number)
    for migration in migrations:
        async with desk.database.transaction() as connection:
            await account_removal.drop_migration(connection, migration)
    async with desk.database.transaction() as connection:
        await account_removal.drop_account(connection, number)


async def _shred(desk: Desk, actor: Actor, found: Known) -> None:
    if await desk.secrets.shred(found.id):
        async with desk.database.transaction() as connection:
            await note(connection, actor, Event.KEYS_SHREDDED, owner_of(found.id), account=found.name)


async def _account(connection: AsyncConnection, actor: Actor, number: int) -> Known:
    actor.must(Permission.ACCOUNTS_WRITE)
    found = await _known(connection, number)
    actor.must_cover(cast("Role", found.role))
    return found


async def _known(connection: AsyncConnection, number: int) -> Known:
    found = await signin_accounts.get(connection, number, lock=True)
    if found is None:
        raise UnknownThing("there is no account of that number")
    return found


def _leave_an_owner(owners: Collection[int], found: Known) -> None:
    """`owners` are locked before the account, in one order for all: of two who remove each other, one is refused."""
    if found.role == "owner" and set(owners) <= {found.id}:
        raise WrongState(_LAST, advice=_FIRST)
