"""Migrations: which connection to which, with which pairs, how."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from mover.audit.events import Event
from mover.core.errors import BadOption, NameTaken, RowConflict, UnknownThing
from mover.core.temporary import RUN
from mover.engine.filter_options import FilterOptions
from mover.engine.settings import RunSettings
from mover.service.actor import Actor, Permission
from mover.service.connections import NAME
from mover.service.desk import MOST, Desk
from mover.service.noting import note
from mover.store import connections, migration_rows
from mover.store.migration_rows import Migration, Pair

PAIRS: Final = 10_000
"""Pairs that one request may add."""

_LONGEST_PATH: Final = 4096
_OF_RUNS: Final = frozenset({"dry_run", "bytes_per_second"})


async def add(
    desk: Desk,
    actor: Actor,
    name: str,
    *,
    source: int,
    destination: int,
    pairs: Sequence[tuple[str, str]],
    settings: Mapping[str, Any],
    filters: Mapping[str, Any],
) -> Migration:
    """Keep a migration.

    Raises:
        BadOption: a setting, filter or path cannot be.
        UnknownThing: a connection is not there, or not the actor's.
        NameTaken: the actor has one of that name.
    """
    actor.must(Permission.MIGRATIONS_WRITE)
    if not NAME.fullmatch(name):
        raise BadOption("a migration's name has 1 to 100 letters, digits, spaces and . @ + - _", item="name")
    plain_settings, plain_filters = _settings(settings), _filters(filters)
    marked = _marked(pairs)
    async with desk.naming("migration", name) as connection:
        for number in (source, destination):
            found = await connections.get(connection, number)
            if found is None:
                raise UnknownThing("there is no connection of that number", item=str(number))
            actor.must_own(found.owner, "connection")
        made = await migration_rows.add(
            connection,
            actor.account,
            name,
            source=source,
            destination=destination,
            settings=plain_settings,
            filters=plain_filters,
        )
        await migration_rows.add_pairs(connection, made.id, marked)
        await note(connection, actor, Event.MIGRATION_CREATED, made.id, pairs=len(marked), name=name)
    return made


async def add_pairs(desk: Desk, actor: Actor, number: int, pairs: Sequence[tuple[str, str]]) -> None:
    """More pairs for a migration. Raises as `add`."""
    actor.must(Permission.MIGRATIONS_WRITE)
    found = await _own(desk, actor, number)
    try:
        async with desk.database.transaction() as connection:
            await migration_rows.add_pairs(connection, found.id, _marked(pairs))
            await note(connection, actor, Event.MIGRATION_CHANGED, found.id, changed=["pairs"], name=found.name)
    except RowConflict as problem:
        raise NameTaken("one of these pairs is there already", item="pairs") from problem


async def get(desk: Desk, actor: Actor, number: int) -> Migration:
    """A migration that the actor may see. Raises `UnknownThing`."""
    actor.must(Permission.MIGRATIONS_READ)
    async with desk.database.read() as connection:
        found = await migration_rows.get(connection, number)
    if found is None:
        raise UnknownThing("there is no migration of that number")
    actor.must_see(found.owner, "migration")
    return found


async def page(desk: Desk, actor: Actor, *, after: int, most: int) -> list[Migration]:
    """Migrations that the actor may see."""
    actor.must(Permission.MIGRATIONS_READ)
    async with desk.database.read() as connection:
        return await migration_rows.page(
            connection, actor.account, everybody=actor.sees_all, after=after, most=min(most, MOST)
        )


async def pairs_of(desk: Desk, actor: Actor, number: int, *, after: int, most: int) -> list[Pair]:
    """Pairs of a migration. Raises `UnknownThing`."""
    await get(desk, actor, number)
    async with desk.database.read() as connection:
        return await migration_rows.pairs(connection, number, after=after, most=min(most, MOST))


async def _own(desk: Desk, actor: Actor, number: int) -> Migration:
    found = await get(desk, actor, number)
    actor.must_own(found.owner, "migration")
    return found


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not as they are anyway."""
    if extra := sorted(given.keys() & _OF_RUNS):
        raise BadOption(f"{extra[0]} is said of a run, not of a migration", item=extra[0])
    _read(given, RunSettings, "setting")
    return dict(given)


def _filters(given: Mapping[str, Any]) -> dict[str, Any]:
    _read(given, FilterOptions, "filter").filter_at(datetime.now(UTC))
    return dict(given)


def _read(given: Mapping[str, Any], kind: type[Any], what: str) -> Any:
    known = set(kind.__dataclass_fields__)
    if unknown := sorted(given.keys() - known):
        raise BadOption(f"there is no {what} {unknown[0]}; there are: {', '.join(sorted(known))}", item=unknown[0])
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as problem:
        raise BadOption(f"a {what} cannot be: {problem}", item=what) from None


def _marked(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    if not 0 < len(pairs) <= PAIRS:
        raise BadOption(f"give 1 to {PAIRS} pairs at once", item="pairs")
    for path in (path for pair in pairs for path in pair):
        if len(path) > _LONGEST_PATH or "\0" in path:
            raise BadOption(f"a path has at most {_LONGEST_PATH} characters, and no NUL", item="pairs")
    return [(source.strip("/"), destination.strip("/"), secrets.token_hex(RUN // 2)) for source, destination in pairs]
