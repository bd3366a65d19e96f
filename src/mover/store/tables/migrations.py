"""Migrations, their pairs and runs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from mover.store.tables.base import METADATA, OPERATOR, document, identity, moment, of

migration: Final = Table(
    "migration",
    METADATA,
    identity(),
    of("owner", "account", index=True),
    Column("name", Text, nullable=False, info=OPERATOR),
    of("source", "connection", on_delete="RESTRICT", index=True),
    of("destination", "connection", on_delete="RESTRICT", index=True),
    document("settings", info=OPERATOR),
    document("filters", info=OPERATOR),
    moment("created", now=True),
    UniqueConstraint("owner", "name"),
)

pair: Final = Table(
    "pair",
    METADATA,
    identity(),
    of("migration", "migration", index=True),
    Column("source_path", Text, nullable=False, info=OPERATOR),
    Column("destination_path", Text, nullable=False, info=OPERATOR),
    Column("mark", Text, nullable=False),
    UniqueConstraint("migration", "source_path", "destination_path"),
)
"""`mark` is what the names of all unfinished files of the pair share (`core.temporary`)."""

run: Final = Table(
    "run",
    METADATA,
    identity(),
    of("migration", "migration", index=True),
    of("owner", "account"),
    Column("number", BigInteger, nullable=False, info=OPERATOR),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state IN ('running', 'pausing', 'paused', 'stopping', 'stopped', 'done', 'failed')", name="state"
        ),
        nullable=False,
        info=OPERATOR,
    ),
    Column("dry_run", Boolean, nullable=False, server_default=text("false"), info=OPERATOR),
    Column("bytes_per_second", BigInteger, info=OPERATOR),
    moment("asked", now=True),
    moment("ended", nullable=True),
    Column("code", Text, info=OPERATOR),
    Column("reason", Text, info=OPERATOR),
    Column("advice", Text, info=OPERATOR),
    Column("totals", JSONB, info=OPERATOR),
    UniqueConstraint("migration", "number"),
    Index(
        "run_under_way", "migration", unique=True, postgresql_where=text("state IN ('running', 'pausing', 'stopping')")
    ),
)
"""One pass over the pairs of a migration; never two at once."""
