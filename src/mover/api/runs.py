"""Runs: watched and steered."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query

from mover.api.guard import Asking, Working
from mover.api.models import ItemOut, RunOut
from mover.api.paging import DEFAULT, After, Most, Page, mark, place
from mover.core.states import State
from mover.service import runs

ROUTES: Final = APIRouter(prefix="/runs", tags=["runs"])


@ROUTES.get("/{number}")
async def one(desk: Working, actor: Asking, number: int) -> RunOut:
    """A run, and its counts so far."""
    return RunOut.standing(await runs.get(desk, actor, number))


@ROUTES.get("/{number}/items")
async def items(
    desk: Working,
    actor: Asking,
    number: int,
    state: Annotated[list[State] | None, Query(description="Only items in these states.")] = None,
    most: Most = DEFAULT,
    after: After = None,
) -> Page[ItemOut]:
    """Every item that the run met, with its state and the reason, in the order of pairs and paths."""
    begin = place(after, tuple[int, bytes, bytes], runs.START)
    found = await runs.items_of(desk, actor, number, states=state or [], after=begin, most=most)
    following = mark((found[-1].pair, found[-1].path, found[-1].key_id)) if len(found) == most else None
    return Page(rows=[ItemOut.of(row) for row in found], next=following)


@ROUTES.post("/{number}/pause")
async def pause(desk: Working, actor: Asking, number: int) -> RunOut:
    """Finish what is in hand, begin nothing new."""
    return RunOut.of(await runs.pause(desk, actor, number))


@ROUTES.post("/{number}/resume")
async def resume(desk: Working, actor: Asking, number: int) -> RunOut:
    """Go on with a paused run."""
    return RunOut.of(await runs.resume(desk, actor, number))


@ROUTES.post("/{number}/stop")
async def stop(desk: Working, actor: Asking, number: int) -> RunOut:
    """End a run for good, at once. What was copied stays."""
    return RunOut.of(await runs.stop(desk, actor, number))
