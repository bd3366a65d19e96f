"""The public API, `/api/v1`: for programs that hold a key."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI

from mover.api import connections, keys, migrations, people, runs
from mover.api.guard import BEARER, by_key
from mover.api.problems import answer_problems
from mover.service.desk import Desk


def public_app(desk: Desk, version: str) -> FastAPI:
    """The app, to be mounted at `/api/v1`."""
    app = FastAPI(
        title="Mover",
        version=version,
        summary="Moves files between cloud storage providers, safely.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    answer_problems(app)
    guarded = APIRouter(dependencies=[Depends(by_key), Depends(BEARER)])
    for part in (connections, migrations, runs, keys, people):
        guarded.include_router(part.ROUTES)
    app.include_router(guarded)
    return app
