"""Saved connections. Their secrets are not here: `vault` seals them into a table of their own."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, Text, UniqueConstraint

from mover.store.tables.base import METADATA, OPERATOR, document, identity, moment, of

connection: Final = Table(
    "connection",
    METADATA,
    identity(),
    of("owner", "account", index=True),
    Column("name", Text, nullable=False, info=OPERATOR),
    Column("connector", Text, nullable=False, info=OPERATOR),
    document("options"),
    Column("pool", Text, info=OPERATOR),
    moment("created", now=True),
    moment("updated", now=True),
    UniqueConstraint("owner", "name"),
)
"""`pool`: only runners of that pool reach it; null is any."""
