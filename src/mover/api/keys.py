"""API keys."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from mover.api.guard import Asking, Working
from mover.api.models import KeyIn, KeyOut, NewKeyOut
from mover.service import keys

ROUTES: Final = APIRouter(prefix="/keys", tags=["keys"])


@ROUTES.post("", status_code=201)
async def add(desk: Working, actor: Asking, asked: KeyIn) -> NewKeyOut:
    """Make a key. Its `secret` is shown this once."""
    return NewKeyOut.made(await keys.add(desk, actor, asked.name, asked.scopes, asked.expires))


@ROUTES.get("")
async def every(desk: Working, actor: Asking) -> list[KeyOut]:
    """Your keys."""
    return [KeyOut.of(one) for one in await keys.every(desk, actor)]


@ROUTES.delete("/{number}", status_code=204)
async def revoke(desk: Working, actor: Asking, number: int) -> None:
    """Have a key open nothing from now on."""
    await keys.revoke(desk, actor, number)
