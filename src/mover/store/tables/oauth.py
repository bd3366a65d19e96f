"""Sign-ins at providers: those that were begun, and whose turn it is to renew a connection's tokens. The tokens are the vault's."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text, text

from mover.store.tables.base import METADATA, OPERATOR, SCHEMA, moment, of

oauth_pending: Final = Table(
    "oauth_pending",
    METADATA,
    Column("state", LargeBinary, primary_key=True),
    Column("session", LargeBinary, nullable=False),
    of("account", "account", index=True),
    Column("sealed", LargeBinary, nullable=False),
    moment("begun", now=True),
    moment("expires"),
)
"""A sign-in that was begun. `state` and `session` are SHA-256 sums; `sealed` opens with the state itself, which only the browser has."""

oauth_turn: Final = Table(
    "oauth_turn",
    METADATA,
    Column(
        "connection",
        BigInteger,
        ForeignKey(f"{SCHEMA}.connection.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        info=OPERATOR,
    ),
    Column("generation", BigInteger, nullable=False, server_default=text("0"), info=OPERATOR),
    Column("holder", Text),
    moment("until", nullable=True),
    moment("asked", nullable=True),
    Column("saved_by", Text),
    moment("saved", nullable=True),
)
"""Whose turn it is to renew the tokens of a connection: `holder`'s, `until` then. `generation` counts the sets of tokens that
were saved, the last one by `saved_by`. `asked` is when the provider was asked for new ones and nothing is known of its answer yet."""
