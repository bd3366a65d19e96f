"""The public API, `/api/v1`: for programs that hold a key."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, FastAPI

from mover.api import connections, keys, migrations, people, runs
from mover.api.front import Front, Rules
from mover.api.guard import BEARER, asking, by_key
from mover.api.problems import answer_problems
from mover.service.desk import Desk

PARTS: Final = tuple(part.ROUTES for part in (connections, migrations, runs, keys, people))
"""What the application API has too, behind another guard."""

OPEN: Final = frozenset({("GET", "/openapi.json"), ("HEAD", "/openapi.json")})


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
    app.add_middleware(Front, Rules(by_key, open_paths=OPEN))
    guarded = APIRouter(dependencies=[Depends(asking), Depends(BEARER)])
    for routes in PARTS:
        guarded.include_router(routes)
    app.include_router(guarded)
    return app
