"""Runs: started, watched, paused, resumed, stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mover.audit.events import Event
from mover.core.errors import RowConflict, UnknownThing, WrongState
from mover.core.states import State
from mover.service import migrations
from mover.service.actor import Actor, Permission
from mover.service.desk import MOST, Desk
from mover.service.noting import note
from mover.store import batches, items, migration_rows, runs
from mover.store.items import Counts
from mover.store.runs import Run
from mover.work.endings import settle_run

After = tuple[int, bytes, bytes]
"""Where a page of items begins: behind this pair, path and key."""

START: Final[After] = (0, b"", b"")
_BY_HAND: Final = "by hand"


@dataclass(frozen=True, slots=True)
class Standing:
    """A run, and its counts: exact at its end, as far as was told before. `scan` and `copy` are batches, done ones and bytes moved."""

    run: Run
    counts: Counts
    live: Mapping[str, Any]

    @property
    def found(self) -> int:
        """Items that were met: as its scans told so far, and at the end by counting."""
        counted = sum(number for number, _ in self.counts.values())
        scan = self.live.get("scan")
        return counted if self.run.totals is not None or scan is None else max(counted, scan.found)


async def start(
    desk: Desk, actor: Actor, migration: int, *, dry_run: bool = False, bytes_per_second: int | None = None
) -> Run:
    """Begin a run over all pairs of a migration.

    Raises:
        UnknownThing: there is no such migration, or it is another's.
        WrongState: a run of it is under way.
    """
    actor.must(Permission.RUNS_WRITE)
    found = await migrations.get(desk, actor, migration)
    actor.must_own(found.owner, "migration")
    try:
        async with desk.database.transaction() as connection:
            number, _ = await runs.begin(connection, migration, dry_run=dry_run, bytes_per_second=bytes_per_second)
            await migration_rows.add_scans(connection, number)
            made = await runs.get(connection, number)
            await note(connection, actor, Event.RUN_STARTED, number, migration=migration, cause=_BY_HAND)
    except RowConflict as problem:
        raise WrongState(
            "a run of this migration is under way", advice="Wait for it, or pause, resume or stop it."
        ) from problem
    if made is None:
        raise RuntimeError("a run that was just made is there")
    desk.wake()
    return made


async def get(desk: Desk, actor: Actor, number: int) -> Standing:
    """A run that the actor may see, with its counts. Raises `UnknownThing`."""
    actor.must(Permission.RUNS_READ)
    async with desk.database.read() as connection:
        run = await runs.get(connection, number)
        if run is None:
            raise UnknownThing("there is no run of that number")
        actor.must_see(run.owner, "run")
        live = await runs.live(connection, number)
        if run.totals is not None:
            return Standing(run, {state: (n, size) for state, (n, size) in run.totals.items()}, live)
        return Standing(run, await runs.tally(connection, number), live)


async def page(desk: Desk, actor: Actor, migration: int, *, after: int, most: int) -> list[Run]:
    """Runs of a migration. Raises `UnknownThing`."""
    actor.must(Permission.RUNS_READ)
    await migrations.get(desk, actor, migration)
    async with desk.database.read() as connection:
        return await runs.of_migration(connection, migration, after=after, most=min(most, MOST))


async def items_of(
    desk: Desk, actor: Actor, number: int, *, states: Sequence[State], after: After = START, most: int
) -> list[Any]:
    """Items that a run saw, in the order of pair and path. Raises `UnknownThing`."""
    standing = await get(desk, actor, number)
    chosen = [state.value for state in states or tuple(State)]
    async with desk.database.read() as connection:
        return await items.page(connection, standing.run.migration, number, chosen, after, min(most, MOST))


async def pause(desk: Desk, actor: Actor, number: int) -> Run:
    """Finish what is in hand and begin nothing new. Raises `UnknownThing`, `WrongState`."""
    return await _steer(desk, actor, Event.RUN_PAUSED, number, "pausing", "running", reason="paused by hand")


async def resume(desk: Desk, actor: Actor, number: int) -> Run:
    """Go on with a paused run. Raises `UnknownThing`, `WrongState`."""
    run = await _steer(desk, actor, Event.RUN_RESUMED, number, "running", "paused", "pausing")
    desk.wake()
    return run


async def stop(desk: Desk, actor: Actor, number: int) -> Run:
    """End a run for good, at once. What was copied stays. Raises `UnknownThing`, `WrongState`."""
    before = ("running", "pausing", "paused")
    return await _steer(desk, actor, Event.RUN_STOPPED, number, "stopping", *before, reason="stopped by hand")


async def _steer(
    desk: Desk, actor: Actor, event: Event, number: int, state: str, *before: str, reason: str | None = None
) -> Run:
    actor.must(Permission.RUNS_WRITE)
    async with desk.database.transaction() as connection:
        run = await runs.get(connection, number, lock=True)
        if run is None:
            raise UnknownThing("there is no run of that number")
        actor.must_own(run.owner, "run")
        if not await runs.move(connection, number, state, *before, reason=reason):
            raise WrongState(f"the run is {run.state}")
        if state != "running":
            await batches.withdraw(connection, number)
            await settle_run(connection, number)
        found = await runs.get(connection, number)
        await note(connection, actor, event, number, migration=run.migration, cause=_BY_HAND)
    if found is None:
        raise RuntimeError("a run that is locked is there")
    return found
