"""The log and its checkpoints as files: JSON Lines, read page by page, so that memory does not depend on the log's length.

An exported line is exactly what was hashed: `sha256(0x00 + line)` is the leaf, whoever computes it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.entry import written_time
from mover.store import audit_rows
from mover.store.audit_rows import CheckpointRow
from mover.store.database import Database


async def entries(database: Database, end: int | None = None) -> AsyncIterator[bytes]:
    """Every entry, or the first `end`, a line each; many lines a piece. What is appended while this runs is left out."""
    async with database.read() as connection:
        size = (await audit_rows.tip(connection)).size
    async for page in audit_rows.read_all(database, size if end is None else min(end, size)):
        yield b"".join(row.line.encode() + b"\n" for row in page)


async def checkpoints(database: Database) -> AsyncIterator[bytes]:
    """Every checkpoint with its receipts, a line each: {"note", "size", "receipts": [{"witness", "at", "proof" (base64)}]}."""
    after = 0
    while True:
        async with database.read() as connection:
            rows = await audit_rows.checkpoints(connection, after)
            lines = [await _line(connection, row) for row in rows]
        if not rows:
            return
        yield b"".join(lines)
        after = rows[-1].size


async def _line(connection: AsyncConnection, row: CheckpointRow) -> bytes:
    receipts = [
        {"witness": witness, "at": written_time(at), "proof": b64encode(proof).decode()}
        for witness, proof, at in await audit_rows.receipts(connection, row.size)
    ]
    return json.dumps({"note": row.note, "size": row.size, "receipts": receipts}).encode() + b"\n"
