"""A table cut into ranges of its key. Together they cover every key there can be, so that each row belongs to exactly one."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final, cast

from mover.connectors.mysql.catalog import Column, Table
from mover.connectors.mysql.literals import identifier
from mover.connectors.mysql.session import Row, Session
from mover.core.errors import NotFound

CHUNK_BYTES: Final = 32 << 20
"""About how many bytes of rows a chunk holds."""

CHUNK_ROWS: Final = 50_000
"""A chunk never has more rows than this when it is cut."""

Key = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Keys from `low`, included, to `high`, not included; `None` is open."""

    low: Key | None = None
    high: Key | None = None

    def token(self) -> str:
        """The range as text for an item id."""
        plain = [None if k is None else [v.hex() for v in k] for k in (self.low, self.high)]
        return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode()


def range_of(token: str) -> Range:
    """The range behind a token. Raises `NotFound` if it is none."""
    try:
        low, high = cast("list[list[str] | None]", json.loads(base64.urlsafe_b64decode(token)))
        return Range(*(None if k is None else tuple(bytes.fromhex(v) for v in k) for k in (low, high)))
    except (ValueError, TypeError, binascii.Error) as problem:
        raise NotFound("the item's id names no range of keys") from problem


def condition(table: Table, range_: Range) -> str:
    """The SQL condition of a range; `TRUE` for all keys. Raises `NotFound` if the key has changed since the listing."""
    parts = [_beyond(table.key, range_.low)] if range_.low else []
    parts += [f"NOT ({_beyond(table.key, range_.high)})"] if range_.high else []
    return " AND ".join(f"({p})" for p in parts) or "TRUE"


def order(table: Table) -> str:
    """The `ORDER BY` that makes a chunk's rows come in the order of their keys; empty without a key."""
    return f" ORDER BY {', '.join(identifier(c.name) for c in table.key)}" if table.key else ""


def rows_of(table: Table) -> int:
    """How many rows a chunk of that table holds."""
    return max(1, min(CHUNK_ROWS, CHUNK_BYTES // max(table.row_bytes, 1)))


async def next_start(session: Session, quoted: str, table: Table, low: Key | None) -> Key | None:
    """Where the chunk after the one that begins at `low` begins; `None`: there is none."""
    names = ", ".join(identifier(c.name) for c in table.key)
    found: list[Row] = await session.rows(
        f"SELECT {names} FROM {quoted} WHERE {condition(table, Range(low))}{order(table)} LIMIT 1 OFFSET {rows_of(table)}"  # noqa: S608  # quoted
    )
    return tuple(v or b"" for v in found[0]) if found else None


def _beyond(key: tuple[Column, ...], at: Key) -> str:
    """`key >= at`, spelled out so that every server uses the index."""
    if len(key) != len(at):
        raise NotFound("the table's key has changed since the listing")
    try:
        pairs = [(identifier(c.name), c.literal(v).decode()) for c, v in zip(key, at, strict=True)]
    except ValueError as problem:
        raise NotFound("the table's key has changed since the listing") from problem
    name, value = pairs[-1]
    text = f"{name} >= {value}"
    for name, value in reversed(pairs[:-1]):
        text = f"{name} >= {value} AND ({name} > {value} OR ({text}))"
    return text
