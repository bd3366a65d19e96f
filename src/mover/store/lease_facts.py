"""All that a lease says of its run, pair and connections, in one question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class EndFacts:
    """A connection as a lease needs it; its secrets are elsewhere."""

    connection: int
    owner: int
    name: str
    connector: str
    options: dict[str, Any]
    path: str


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """What a batch belongs to. `first`: no earlier run left anything of this pair."""

    number: int
    dry_run: bool
    bytes_per_second: int | None
    asked: float
    settings: dict[str, Any]
    filters: dict[str, Any]
    mark: str
    first: bool
    source: EndFacts
    destination: EndFacts


_FACTS: Final = text("""
    SELECT b.id, r.number, r.dry_run, r.bytes_per_second, extract(epoch FROM r.asked)::float8 AS asked,
           m.settings, m.filters, p.mark, p.source_path, p.destination_path,
           NOT EXISTS (SELECT FROM mover.item i WHERE i.migration = b.migration AND i.pair = b.pair) AS first,
           s.id AS s_id, s.owner AS s_owner, s.name AS s_name, s.connector AS s_connector, s.options AS s_options,
           d.id AS d_id, d.owner AS d_owner, d.name AS d_name, d.connector AS d_connector, d.options AS d_options
    FROM mover.batch b JOIN mover.run r ON r.id = b.run JOIN mover.migration m ON m.id = b.migration
         JOIN mover.pair p ON p.id = b.pair JOIN mover.connection s ON s.id = m.source JOIN mover.connection d ON d.id = m.destination
    WHERE b.id = ANY(CAST(:ids AS bigint[]))""")


async def of_batches(connection: AsyncConnection, batches: Sequence[int]) -> dict[int, LeaseFacts]:
    """The facts of some batches, by their numbers."""
    rows = await connection.execute(_FACTS, {"ids": list(batches)})
    return {row.id: _facts(row) for row in rows}


def _facts(row: Any) -> LeaseFacts:
    source = EndFacts(row.s_id, row.s_owner, row.s_name, row.s_connector, row.s_options, row.source_path)
    destination = EndFacts(row.d_id, row.d_owner, row.d_name, row.d_connector, row.d_options, row.destination_path)
    return LeaseFacts(
        row.number,
        row.dry_run,
        row.bytes_per_second,
        row.asked,
        row.settings,
        row.filters,
        row.mark,
        row.first,
        source,
        destination,
    )
