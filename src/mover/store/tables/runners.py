"""Runners: who they are, and the tokens by which they join."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, text

from mover.store.tables.base import METADATA, OPERATOR, identity, moment, of

runner: Final = Table(
    "runner",
    METADATA,
    Column("id", Text, primary_key=True, info=OPERATOR),
    Column("name", Text, nullable=False, info=OPERATOR),
    Column("pool", Text, info=OPERATOR),
    Column("signing_key", LargeBinary, nullable=False),
    Column("box_key", LargeBinary, nullable=False),
    Column("lease_count", BigInteger, nullable=False, server_default=text("0")),
    Column("journal_count", BigInteger, nullable=False, server_default=text("0")),
    moment("enrolled", now=True),
    moment("seen", nullable=True),
    moment("removed", nullable=True),
)
"""The counts are of the last signed request taken for each verb: none is taken twice."""

enrolment: Final = Table(
    "enrolment",
    METADATA,
    identity(),
    of("made_by", "account"),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("pool", Text, info=OPERATOR),
    moment("created", now=True),
    moment("expires"),
    Column("runner", Text, info=OPERATOR),
)
"""A token for one runner; `runner` is who used it."""
