"""Saved connections."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from mover.api.guard import Asking, Working
from mover.api.models import ConnectionIn, ConnectionOut
from mover.api.paging import DEFAULT, After, Most, Page, mark, place
from mover.service import connections

ROUTES: Final = APIRouter(prefix="/connections", tags=["connections"])


@ROUTES.post("", status_code=201)
async def add(desk: Working, actor: Asking, asked: ConnectionIn) -> ConnectionOut:
    """Save a connection. Its secrets are sealed at once, and nobody gets them back."""
    made = await connections.add(desk, actor, asked.name, asked.connector, asked.values(), asked.pool)
    return ConnectionOut.of(made)


@ROUTES.get("")
async def every(desk: Working, actor: Asking, most: Most = DEFAULT, after: After = None) -> Page[ConnectionOut]:
    """Your own connections."""
    found = await connections.page(desk, actor, after=place(after, int, 0), most=most)
    return Page(rows=[ConnectionOut.of(one) for one in found], next=mark(found[-1].id) if len(found) == most else None)


@ROUTES.get("/{number}")
async def one(desk: Working, actor: Asking, number: int) -> ConnectionOut:
    """One of your connections."""
    return ConnectionOut.of(await connections.get(desk, actor, number))


@ROUTES.delete("/{number}", status_code=204)
async def remove(desk: Working, actor: Asking, number: int) -> None:
    """Delete a connection and its secrets. Refused while a migration uses it."""
    await connections.remove(desk, actor, number)
