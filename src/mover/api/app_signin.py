"""Signing in, by those who are not: the only part of the application API that is open to everybody."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from mover.api.app_guard import Here, Visiting, keep
from mover.api.app_models import AcceptedOut, AcceptIn, CredentialIn, SessionOut, SignInIn
from mover.api.guard import Working
from mover.service.actor import Origin
from mover.service.signin import by_passkey, invitations, passkeys, signing_in

ROUTES: Final = APIRouter(tags=["sign-in"])
OPEN: Final = frozenset(
    {
        ("POST", "/sign-in"),
        ("POST", "/sign-in/passkey/challenge"),
        ("POST", "/sign-in/passkey"),
        ("POST", "/invitations/accept"),
    }
)
"""Every route of this module, and no other."""


@ROUTES.post("/sign-in")
async def sign_in(desk: Working, visitor: Visiting, response: Response, asked: SignInIn) -> SessionOut:
    """Sign in by password, and by code where one is asked for (`second-factor-needed`). Sets the session's cookie."""
    opened = await signing_in.by_password(desk, asked.given(asked.name), visitor)
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.post("/sign-in/passkey/challenge")
async def challenge(desk: Working, site: Here) -> dict[str, Any]:
    """Options for `navigator.credentials.get`."""
    return await passkeys.ask_to_sign_in(desk, site)


@ROUTES.post("/sign-in/passkey")
async def sign_in_by_passkey(
    desk: Working, visitor: Visiting, site: Here, response: Response, asked: CredentialIn
) -> SessionOut:
    """Sign in by passkey. Sets the session's cookie."""
    opened = await by_passkey.sign_in(desk, site, asked.credential, visitor)
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.post("/invitations/accept")
async def accept(desk: Working, request: Request, asked: AcceptIn) -> AcceptedOut:
    """Set the password of the account that one is invited to; then sign in by it."""
    origin: Origin = request.state.origin
    return AcceptedOut(name=await invitations.accept(desk, asked.invitation(), asked.secret(), origin))
