"""Batches, items and what belongs to them: the truth of every run.

Paths and ids are bytes, as a provider's names need not be UTF-8. Items are partitioned by migration (`item_partition`), so that a
migration goes as quickly as it came.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from mover.store.tables.base import METADATA, OPERATOR, document, identity, moment, of

batch: Final = Table(
    "batch",
    METADATA,
    identity(),
    of("run", "run"),
    of("pair", "pair"),
    of("migration", "migration"),
    of("owner", "account"),
    Column(
        "work", Text, CheckConstraint("work IN ('scan', 'copy', 'tidy')", name="work"), nullable=False, info=OPERATOR
    ),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state IN ('ready', 'offered', 'leased', 'done', 'failed', 'quarantined', 'withdrawn')", name="state"
        ),
        nullable=False,
        server_default=text("'ready'"),
        info=OPERATOR,
    ),
    Column("pools", JSONB, nullable=False, server_default=text("'[]'::jsonb"), info=OPERATOR),
    Column("fence", BigInteger, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("claims", Integer, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("seq", Integer, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("report", BigInteger, nullable=False, server_default=text("0")),
    Column("runner", Text, info=OPERATOR),
    moment("leased_until", nullable=True),
    moment("not_before", nullable=True),
    moment("created", now=True),
    moment("touched", now=True),
    Column("items", Integer, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("bytes", BigInteger, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("manifest", LargeBinary),
    document("counts", info=OPERATOR),
    Column("bytes_moved", BigInteger, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("code", Text, info=OPERATOR),
    Column("reason", Text, info=OPERATOR),
    Column("advice", Text, info=OPERATOR),
    Index("batch_of_run", "run", "work", "state"),
    Index("batch_open", "state", "work", "id", postgresql_where=text("state IN ('ready', 'offered', 'leased')")),
)
"""A piece of work.

`fence` rises with each lease; `claims` counts leases, so that a batch that ends every runner is set aside; `seq` numbers its waits in the
durable queue; `report` is the last report that was taken; `manifest` is what is to be copied (zlib, MessagePack), until it is done.
"""

item: Final = Table(
    "item",
    METADATA,
    Column("migration", BigInteger, primary_key=True, info=OPERATOR),
    Column("pair", BigInteger, primary_key=True, info=OPERATOR),
    Column("path", LargeBinary, primary_key=True, info=OPERATOR),
    Column("key_id", LargeBinary, primary_key=True, info=OPERATOR),
    Column("run", BigInteger, nullable=False, info=OPERATOR),
    Column("batch", BigInteger, info=OPERATOR),
    Column("kind", Text, nullable=False, info=OPERATOR),
    Column("state", Text, nullable=False, info=OPERATOR),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("size", BigInteger, info=OPERATOR),
    Column("modified", Double, info=OPERATOR),
    Column("version", LargeBinary),
    Column("target", LargeBinary, info=OPERATOR),
    Column("code", Text, info=OPERATOR),
    Column("detail", Text, info=OPERATOR),
    Column("proof", JSONB),
    moment("updated", now=True),
    Index("item_of_batch", "batch", postgresql_where=text("batch IS NOT NULL")),
    postgresql_partition_by="LIST (migration)",
)
"""One item of a pair, over all passes. `run` is the last that saw it, `batch` the one that it was offered in."""

attempt: Final = Table(
    "attempt",
    METADATA,
    identity(),
    of("pair", "pair"),
    Column("path", LargeBinary, nullable=False, info=OPERATOR),
    Column("key_id", LargeBinary, nullable=False, info=OPERATOR),
    of("run", "run"),
    moment("at"),
    Column("code", Text, nullable=False, info=OPERATOR),
    Column("detail", Text, nullable=False, info=OPERATOR),
    Index("attempt_of_item", "pair", "path", "key_id"),
)
"""Tries that failed, for the report."""

upload: Final = Table(
    "upload",
    METADATA,
    identity(),
    of("pair", "pair"),
    Column("path", LargeBinary, nullable=False, info=OPERATOR),
    Column("key_id", LargeBinary, nullable=False, info=OPERATOR),
    Column("version", LargeBinary, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Index("upload_of_item", "pair", "path", "key_id", unique=True),
)
"""An upload under way; `state` is sealed."""

upload_part: Final = Table(
    "upload_part",
    METADATA,
    of("upload", "upload", primary_key=True),
    Column("number", Integer, primary_key=True, info=OPERATOR),
    Column("size", BigInteger, nullable=False, info=OPERATOR),
    Column("tag", Text, nullable=False),
)

bucket: Final = Table(
    "bucket",
    METADATA,
    of("connection", "connection", primary_key=True),
    Column("tokens", Double, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("per_second", Double, info=OPERATOR),
    moment("filled", now=True),
    moment("blocked_until", nullable=True),
    Column("reason", Text, info=OPERATOR),
)
"""What a provider lets a connection do, shared by all runners; `blocked_until` is its Retry-After."""

control: Final = Table(
    "control",
    METADATA,
    Column("id", Text, primary_key=True, info=OPERATOR),
    moment("seen", now=True),
)
"""Control processes that are alive: the waits of others are taken over."""
