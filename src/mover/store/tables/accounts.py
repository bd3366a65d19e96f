"""Who may sign in, and the keys by which programs do."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from mover.store.tables.base import METADATA, OPERATOR, identity, moment, of

account: Final = Table(
    "account",
    METADATA,
    identity(),
    Column("name", Text, nullable=False, unique=True, info=OPERATOR),
    Column(
        "role",
        Text,
        CheckConstraint("role IN ('owner', 'manager', 'operator', 'auditor')", name="role"),
        nullable=False,
        info=OPERATOR,
    ),
    Column("password", Text),
    moment("created", now=True),
    moment("disabled", nullable=True),
)
"""`password` is an argon2id string."""

api_key: Final = Table(
    "api_key",
    METADATA,
    identity(),
    of("account", "account", index=True),
    Column("name", Text, nullable=False, info=OPERATOR),
    Column("prefix", Text, nullable=False, unique=True, info=OPERATOR),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False, info=OPERATOR),
    moment("created", now=True),
    moment("expires", nullable=True),
    moment("used", nullable=True),
    moment("revoked", nullable=True),
)
"""`hash` is an HMAC-SHA256 of the key; `prefix` is its beginning, by which it is found and named."""
