"""What the tests of the apps look up and change behind the apps' back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text
from tests.api.browser import House


async def rows(home: House, query: str, **values: Any) -> list[Any]:
    """What a query finds."""
    async with home.desk.database.read() as connection:
        return list((await connection.execute(text(query), values)).all())


async def change(home: House, statement: str, **values: Any) -> None:
    """Carry out a statement."""
    async with home.desk.database.transaction() as connection:
        await connection.execute(text(statement), values)


async def logged(home: House, event: str | None = None) -> list[dict[str, Any]]:
    """The entries of the audit log, those of one event if it is named, oldest first."""
    lines = [json.loads(row.line) for row in await rows(home, 'SELECT line FROM mover.audit_entry ORDER BY "index"')]
    return [line for line in lines if event is None or line["event"] == event]


async def patience(home: House) -> None:
    """As if whoever tried too often had waited."""
    await change(home, "UPDATE mover.sign_in_counter SET until = now() - interval '1 second'")
    home.clock.ahead += 3600


async def unproved(home: House) -> None:
    """As if all had proved who they are a quarter of an hour ago."""
    await change(home, "UPDATE mover.session SET authenticated_at = now() - interval '15 minutes'")
