"""Accounts and runners, for owners of the service."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from mover.api.account_models import ChangeIn, InvitationOut
from mover.api.guard import Asking, Working
from mover.api.models import AccountIn, AccountOut, RunnerOut, TokenIn, TokenOut
from mover.api.paging import DEFAULT, After, Most, Page, mark, place
from mover.service import account_changes, accounts, runners
from mover.service.signin import invitations

ROUTES: Final = APIRouter(tags=["service"])


@ROUTES.post("/accounts", status_code=201)
async def add_account(desk: Working, actor: Asking, asked: AccountIn) -> AccountOut:
    """Make an account."""
    return AccountOut.of(await accounts.add(desk, actor, asked.name, asked.role))


@ROUTES.get("/accounts")
async def all_accounts(desk: Working, actor: Asking, most: Most = DEFAULT, after: After = None) -> Page[AccountOut]:
    """Every account."""
    found = await accounts.page(desk, actor, after=place(after, int, 0), most=most)
    return Page(rows=[AccountOut.of(one) for one in found], next=mark(found[-1].id) if len(found) == most else None)


@ROUTES.patch("/accounts/{number}", status_code=204)
async def change_account(desk: Working, actor: Asking, number: int, asked: ChangeIn) -> None:
    """Give an account another role, disable or enable it. Its sessions end."""
    if asked.role is not None:
        await account_changes.change_role(desk, actor, number, asked.role)
    if asked.disabled is not None:
        await (account_changes.disable if asked.disabled else account_changes.enable)(desk, actor, number)


@ROUTES.delete("/accounts/{number}", status_code=204)
async def remove_account(desk: Working, actor: Asking, number: int) -> None:
    """Delete an account with its connections, credentials, keys and migrations, at once and for good. Refused for the last owner."""
    await account_changes.remove(desk, actor, number)


@ROUTES.delete("/accounts/{number}/second-factors", status_code=204)
async def remove_second_factors(desk: Working, actor: Asking, number: int) -> None:
    """Remove one-time codes, recovery codes and passkeys of somebody who lost them. Their sessions end."""
    await account_changes.remove_second_factors(desk, actor, number)


@ROUTES.post("/accounts/{number}/invitations", status_code=201)
async def invite(desk: Working, actor: Asking, number: int) -> InvitationOut:
    """A one-time token by which a person sets an account's password, the first one or a new one. Shown this once, good for three days."""
    token, until = await invitations.invite(desk, actor, number)
    return InvitationOut(token=token.reveal(), expires=until)


@ROUTES.post("/runners/tokens", status_code=201)
async def make_token(desk: Working, actor: Asking, asked: TokenIn) -> TokenOut:
    """A one-time token by which a runner joins (`mover runner enroll`). Shown this once, good for an hour."""
    token, until = await runners.make_token(desk, actor, pool=asked.pool)
    return TokenOut(token=token.reveal(), expires=until)


@ROUTES.get("/runners")
async def all_runners(desk: Working, actor: Asking) -> list[RunnerOut]:
    """Every runner."""
    return [RunnerOut.of(one) for one in await runners.every(desk, actor)]


@ROUTES.delete("/runners/{runner}", status_code=204)
async def remove_runner(desk: Working, actor: Asking, runner: str) -> None:
    """Send a runner away: nothing it says counts from now on, and others do its work."""
    await runners.remove(desk, actor, runner)
