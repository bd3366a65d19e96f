"""The rows of a chunk as one transaction that replaces whatever stood in its range: safe to run again, in any order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from mover.connectors.mysql.catalog import Table
from mover.connectors.mysql.chunks import Range, condition, order
from mover.connectors.mysql.definitions import header
from mover.connectors.mysql.literals import Literal, identifier
from mover.connectors.mysql.session import Row, Session

STATEMENT_BYTES: Final = 1 << 20
"""About how long an INSERT becomes; a single longer row has one to itself."""

FETCHED_BYTES: Final = 1 << 20
"""About how many bytes of rows are asked for at once."""


async def data_text(session: Session, table: Table, range_: Range) -> AsyncGenerator[bytes]:
    """The chunk's SQL, in pieces. The same in every reading within one snapshot."""
    quoted = identifier(table.name)
    where = condition(table, range_)
    yield f"{header('data', table.name, keys=range_.token())}START TRANSACTION;\nDELETE FROM {quoted} WHERE {where};\n".encode()  # quoted
    columns = ", ".join(identifier(c.name) for c in table.columns)
    selected = ", ".join(c.selected for c in table.columns) or "1"
    query = f"SELECT {selected} FROM {quoted} WHERE {where}{order(table)}"  # noqa: S608  # quoted
    inserts = _Inserts(
        f"INSERT INTO {quoted} ({columns}) VALUES\n".encode(), [c.literal for c in table.columns]
    )  # quoted
    count = max(1, min(2000, FETCHED_BYTES // max(table.row_bytes, 1)))
    await session.run("SET SESSION character_set_results = NULL")
    try:
        async for rows in session.stream(query, count):
            yield await session.call(lambda rows=rows: inserts.of(rows))
    finally:
        await session.run("SET NAMES utf8mb4")
    yield inserts.end() + b"COMMIT;\n"


class _Inserts:
    """Rows as INSERT statements. Where one ends depends on the rows only, not on how many came at once."""

    def __init__(self, opening: bytes, literals: Sequence[Literal]) -> None:
        self._opening = opening
        self._literals = literals
        self._length = 0

    def of(self, rows: Sequence[Row]) -> bytes:
        """The text of the next rows."""
        out: list[bytes] = []
        for row in rows:
            values = b",".join(
                [b"NULL" if v is None else make(v) for make, v in zip(self._literals, row, strict=False)]
            )
            out += (self._before(), b"(", values, b")")
            self._length += len(values) + 4
        return b"".join(out)

    def end(self) -> bytes:
        """What ends the last statement."""
        return b";\n" if self._length else b""

    def _before(self) -> bytes:
        if 0 < self._length < STATEMENT_BYTES:
            return b",\n"
        begun, self._length = self._length, 0
        return b";\n" + self._opening if begun else self._opening
