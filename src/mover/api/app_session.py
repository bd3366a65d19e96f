"""One's own sessions, and proving again who one is."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from mover.api.app_guard import Here, Visiting, drop, keep, session_of
from mover.api.app_models import CredentialIn, OneSessionOut, ProofIn, SessionOut
from mover.api.guard import Asking, Working
from mover.service.signin import by_passkey, sessions, signing_in

ROUTES: Final = APIRouter(tags=["session"])


@ROUTES.get("/session")
async def session(request: Request, actor: Asking) -> SessionOut:
    """Who is signed in, and the token that changes must carry."""
    return SessionOut.of(actor, *session_of(request))


@ROUTES.post("/session/prove")
async def prove(desk: Working, actor: Asking, visitor: Visiting, response: Response, asked: ProofIn) -> SessionOut:
    """Prove again who you are, by password and code: for ten minutes dangerous acts are open. The cookie changes."""
    opened = await signing_in.again(desk, actor, asked.given(actor.name), visitor)
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.post("/session/prove/passkey")
async def prove_by_passkey(
    desk: Working, actor: Asking, visitor: Visiting, site: Here, response: Response, asked: CredentialIn
) -> SessionOut:
    """The same by passkey; its challenge is that of signing in."""
    opened = await by_passkey.again(desk, actor, site, asked.credential, visitor)
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.post("/sign-out", status_code=204)
async def sign_out(desk: Working, actor: Asking, request: Request, response: Response) -> None:
    """End this session."""
    current, _ = session_of(request)
    await sessions.end(desk, actor, current.id)
    drop(response)


@ROUTES.get("/sessions")
async def every(desk: Working, actor: Asking) -> list[OneSessionOut]:
    """Your sessions."""
    return [OneSessionOut.of(one, actor.session) for one in await sessions.every(desk, actor)]


@ROUTES.delete("/sessions", status_code=204)
async def end_others(desk: Working, actor: Asking) -> None:
    """End all of your sessions but this one."""
    await sessions.end_others(desk, actor)


@ROUTES.delete("/sessions/{number}", status_code=204)
async def end(desk: Working, actor: Asking, number: int) -> None:
    """End one of your sessions."""
    await sessions.end(desk, actor, number)
