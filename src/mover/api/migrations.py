"""Migrations and their pairs."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from mover.api.guard import Asking, Working
from mover.api.models import MigrationIn, MigrationOut, PairOut, PairsIn, RunIn, RunOut
from mover.api.paging import DEFAULT, After, Most, Page, mark, place
from mover.service import migrations, runs

ROUTES: Final = APIRouter(prefix="/migrations", tags=["migrations"])


@ROUTES.post("", status_code=201)
async def add(desk: Working, actor: Asking, asked: MigrationIn) -> MigrationOut:
    """Make a migration: pairs of folders between two connections."""
    made = await migrations.add(
        desk,
        actor,
        asked.name,
        source=asked.source,
        destination=asked.destination,
        pairs=[(pair.source, pair.destination) for pair in asked.pairs],
        settings=asked.settings,
        filters=asked.filters,
    )
    return MigrationOut.of(made)


@ROUTES.get("")
async def every(desk: Working, actor: Asking, most: Most = DEFAULT, after: After = None) -> Page[MigrationOut]:
    """Migrations that you may see."""
    found = await migrations.page(desk, actor, after=place(after, int, 0), most=most)
    return Page(rows=[MigrationOut.of(one) for one in found], next=mark(found[-1].id) if len(found) == most else None)


@ROUTES.get("/{number}")
async def one(desk: Working, actor: Asking, number: int) -> MigrationOut:
    """A migration."""
    return MigrationOut.of(await migrations.get(desk, actor, number))


@ROUTES.get("/{number}/pairs")
async def pairs(desk: Working, actor: Asking, number: int, most: Most = DEFAULT, after: After = None) -> Page[PairOut]:
    """The pairs of a migration."""
    found = await migrations.pairs_of(desk, actor, number, after=place(after, int, 0), most=most)
    return Page(rows=[PairOut.of(one) for one in found], next=mark(found[-1].id) if len(found) == most else None)


@ROUTES.post("/{number}/pairs", status_code=204)
async def add_pairs(desk: Working, actor: Asking, number: int, asked: PairsIn) -> None:
    """Add pairs; the next run works on them too."""
    await migrations.add_pairs(desk, actor, number, [(pair.source, pair.destination) for pair in asked.pairs])


@ROUTES.post("/{number}/runs", status_code=201)
async def start(desk: Working, actor: Asking, number: int, asked: RunIn) -> RunOut:
    """Start a run over all pairs. Refused while one is under way."""
    run = await runs.start(desk, actor, number, dry_run=asked.dry_run, bytes_per_second=asked.bytes_per_second)
    return RunOut.of(run)


@ROUTES.get("/{number}/runs")
async def runs_of(desk: Working, actor: Asking, number: int, most: Most = DEFAULT, after: After = None) -> Page[RunOut]:
    """The runs of a migration."""
    found = await runs.page(desk, actor, number, after=place(after, int, 0), most=most)
    return Page(rows=[RunOut.of(one) for one in found], next=mark(found[-1].id) if len(found) == most else None)
