"""What all tables share: one metadata, the ways of writing ids and times, and which columns an operator may read.

An operator of the service sees names, paths, sizes and states and nothing else (design P10): a column is theirs only if it says so
(`info=OPERATOR`), and `store.roles` grants by that.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

SCHEMA: Final = "mover"
METADATA: Final = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "uq": "%(table_name)s_%(column_0_N_name)s_unique",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_of",
        "pk": "%(table_name)s_key",
    },
)
OPERATOR: Final = {"operator": True}


def identity() -> Column[int]:
    """The row's own number."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True, info=OPERATOR)


def of(name: str, table: str, *, nullable: bool = False, on_delete: str = "CASCADE", **more: Any) -> Column[int]:
    """The number of a row in another table."""
    key = ForeignKey(f"{SCHEMA}.{table}.id", ondelete=on_delete)
    return Column(name, BigInteger, key, nullable=nullable, info=OPERATOR, **more)


def moment(name: str, *, now: bool = False, nullable: bool = False, info: dict[str, bool] | None = None) -> Column[Any]:
    """A time with its zone. With `now` it is set by the database's clock when the row is made."""
    default = text("now()") if now else None
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=default, info=info or OPERATOR)


def document(name: str, *, info: dict[str, bool] | None = None) -> Column[Any]:
    """A JSON object, never null."""
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"), info=info)
