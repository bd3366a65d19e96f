"""The vault's two tables, kept apart: users' keys in a schema that one role alone may enter, sealed credentials beside the rest.

Who may do what is declared here (`info`, see `store.roles`) and granted from that.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from mover.store.tables.base import METADATA

KEYS_SCHEMA: Final = "keys"

_BOTH: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


def _moment(name: str, *, now: bool = False) -> Column[Any]:
    return Column(name, TIMESTAMP(timezone=True), nullable=not now, server_default=text("now()") if now else None)


user_key: Final = Table(
    "user_key",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    _moment("created", now=True),
    _moment("retired"),
    schema=KEYS_SCHEMA,
    info={"keys": _BOTH},
)
"""A version of a user's key, wrapped by the global key `key_id`. One that is `retired` seals no more and still opens."""

Index("user_key_current", user_key.c.owner, unique=True, postgresql_where=user_key.c.retired.is_(None))

credential: Final = Table(
    "credential",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False, info={"api": "write", "keys": "write"}),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    _moment("updated", now=True),
    UniqueConstraint("owner", "purpose", "record"),
    info={"keys": frozenset({"SELECT"})},
)
"""A sealed secret. `version` counts the secrets that were put in this place; wrapping one anew does not count. The API's role may
write `sealed` and never read it; the keys' role reads the row and may wrap `sealed` anew."""
