"""Who asks. `api.front` finds out before a handler is called; handlers ask for it by `Asking`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from mover.core.errors import NotProved
from mover.core.secret import Secret
from mover.service import keys
from mover.service.actor import Actor, Origin
from mover.service.desk import Desk

BEARER: Final = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer mvk_…`")


def desk_of(request: Request) -> Desk:
    """What the use-cases of this app work with."""
    desk = request.app.state.desk
    if not isinstance(desk, Desk):
        raise TypeError("the app was made without a desk")
    return desk


async def by_key(request: Request, origin: Origin) -> Actor:
    """The account whose key came with the request. Raises `NotProved`."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        raise NotProved("the request has no API key")
    return await keys.prove(desk_of(request), Secret(value.strip()), origin)


async def asking(request: Request) -> Actor:
    """Who was found to ask. Raises `NotProved`: an app whose front was forgotten lets nobody in."""
    actor = getattr(request.state, "actor", None)
    if not isinstance(actor, Actor):
        raise NotProved("nobody knows who asks")
    return actor


Working = Annotated[Desk, Depends(desk_of)]
Asking = Annotated[Actor, Depends(asking)]
