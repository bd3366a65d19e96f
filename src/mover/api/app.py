"""The internal application API, `/app/v1`: for our own pages, by session. It has all that the public API has, and signing in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import APIKeyCookie

from mover.api import app_account, app_session, app_signin
from mover.api.app_guard import COOKIE, Ours, by_session
from mover.api.front import Front, Rules
from mover.api.guard import asking
from mover.api.problems import answer_problems
from mover.api.public import PARTS
from mover.api.strangers import Strangers
from mover.service.desk import Desk

CHALLENGE: Final = 'Session realm="mover"'
_SESSION: Final = APIKeyCookie(name=COOKIE, auto_error=False, description="The session, from `sign-in`.")


def app_app(desk: Desk, version: str, names: Collection[str]) -> FastAPI:
    """The app, to be mounted at `/app/v1`. `names` are the host names and addresses by which people reach the server."""
    app = FastAPI(title="Mover's own pages", version=version, docs_url=None, redoc_url=None)
    app.state.desk = desk
    app.state.challenge = CHALLENGE
    answer_problems(app)
    strangers = Strangers(desk.clock)
    rules = Rules(by_session, Ours.of(names).admit, strangers.count, app_signin.OPEN, CHALLENGE)
    app.add_middleware(Front, rules)
    guarded = APIRouter(dependencies=[Depends(asking), Depends(_SESSION)])
    for routes in (*PARTS, app_session.ROUTES, app_account.ROUTES):
        guarded.include_router(routes)
    app.include_router(app_signin.ROUTES)
    app.include_router(guarded)
    return app
