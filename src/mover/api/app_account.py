"""One's own account: by what one signs in."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from mover.api.app_guard import Here, drop, keep
from mover.api.app_models import (
    CodeIn,
    CodesOut,
    EnrolmentOut,
    NewPasskeyIn,
    PasskeyOut,
    PasswordIn,
    SessionOut,
    SessionWithCodesOut,
    WaysOut,
)
from mover.api.guard import Asking, Working
from mover.service import account_changes
from mover.service.signin import by_passkey, codes, own_account

ROUTES: Final = APIRouter(prefix="/account", tags=["own account"])


@ROUTES.get("")
async def ways(desk: Working, actor: Asking) -> WaysOut:
    """By what you sign in."""
    return WaysOut.of(await own_account.ways(desk, actor))


@ROUTES.delete("", status_code=204)
async def remove(desk: Working, actor: Asking, response: Response) -> None:
    """Delete your account with its connections, credentials, keys and migrations, at once and for good."""
    await account_changes.remove(desk, actor, actor.account)
    drop(response)


@ROUTES.put("/password")
async def set_password(desk: Working, actor: Asking, response: Response, asked: PasswordIn) -> SessionOut:
    """Another password. All other sessions end; the cookie changes."""
    opened = await own_account.change_password(desk, actor, asked.secret())
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.post("/totp", status_code=201)
async def enrol(desk: Working, actor: Asking) -> EnrolmentOut:
    """Begin to set up one-time codes; they count from when the first is confirmed."""
    made = await codes.enrol(desk, actor)
    return EnrolmentOut(secret=made.secret.reveal(), address=made.address.reveal())


@ROUTES.post("/totp/confirm")
async def confirm(desk: Working, actor: Asking, response: Response, asked: CodeIn) -> SessionWithCodesOut:
    """The first code: from now on signing in by password asks for one. All other sessions end; the cookie changes."""
    opened, made = await codes.confirm(desk, actor, asked.code)
    keep(response, opened)
    return SessionWithCodesOut.opened(opened, recovery_codes=[code.reveal() for code in made])


@ROUTES.delete("/totp")
async def remove_totp(desk: Working, actor: Asking, response: Response) -> SessionOut:
    """No codes any more. All other sessions end; the cookie changes."""
    opened = await codes.remove(desk, actor)
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.post("/recovery-codes", status_code=201)
async def recovery_codes(desk: Working, actor: Asking) -> CodesOut:
    """New recovery codes; the old ones are worth nothing."""
    return CodesOut(recovery_codes=[code.reveal() for code in await codes.new_recovery_codes(desk, actor)])


@ROUTES.get("/passkeys")
async def passkeys(desk: Working, actor: Asking) -> list[PasskeyOut]:
    """Your passkeys."""
    return [PasskeyOut.of(one) for one in await by_passkey.every(desk, actor)]


@ROUTES.post("/passkeys/challenge")
async def challenge(desk: Working, actor: Asking, site: Here) -> dict[str, Any]:
    """Options for `navigator.credentials.create`."""
    return await by_passkey.ask_to_add(desk, actor, site)


@ROUTES.post("/passkeys", status_code=201)
async def add_passkey(desk: Working, actor: Asking, site: Here, response: Response, asked: NewPasskeyIn) -> SessionOut:
    """Keep a new passkey. The cookie changes."""
    opened, _ = await by_passkey.add(desk, actor, site, asked.name, asked.credential)
    keep(response, opened)
    return SessionOut.opened(opened)


@ROUTES.delete("/passkeys/{number}")
async def remove_passkey(desk: Working, actor: Asking, response: Response, number: int) -> SessionOut:
    """Delete a passkey. All other sessions end; the cookie changes."""
    opened = await by_passkey.remove(desk, actor, number)
    keep(response, opened)
    return SessionOut.opened(opened)
