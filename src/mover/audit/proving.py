"""Proofs for one entry or one checkpoint, out of the database, with O(log n) rows read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.proofs import Span, consistency_spans, inclusion_spans, nodes_of, proof
from mover.core.errors import LogDamaged
from mover.store import audit_rows


async def inclusion(connection: AsyncConnection, index: int, size: int) -> list[bytes]:
    """The proof that entry `index` is in the log of `size` entries (for `proofs.proves_inclusion`).

    Raises:
        ValueError: there is no such entry in a log of that size.
        LogDamaged: entries that are needed are gone.
    """
    return await _proof(connection, inclusion_spans(index, size))


async def consistency(connection: AsyncConnection, first: int, second: int) -> list[bytes]:
    """The proof that the log of `first` entries is the beginning of that of `second` (for `proofs.proves_consistency`).

    Raises:
        ValueError: not 0 < first <= second.
        LogDamaged: entries that are needed are gone.
    """
    return await _proof(connection, consistency_spans(first, second))


async def _proof(connection: AsyncConnection, spans: Sequence[Span]) -> list[bytes]:
    found = await audit_rows.nodes(connection, nodes_of(spans))
    try:
        return proof(spans, lambda level, position: found[level, position])
    except KeyError as error:
        raise LogDamaged("entries of the audit log that a proof needs are gone") from error
