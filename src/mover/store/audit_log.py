"""The audit log's tables, and what the database itself refuses: no row of them is ever changed or removed, and none is left out.

The frontier of the tree is not kept in a row of its own, which would have to be updated: each entry keeps the nodes that it completed
(`nodes`), and those of the last rows are the frontier. So whoever appends needs INSERT and SELECT and nothing else.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from mover.store.tables.base import METADATA, moment

_APPENDED: Final[dict[str, Any]] = {"api": frozenset({"SELECT", "INSERT"}), "auditor": True}
"""What `store.roles` grants: the service appends and reads, an auditor reads."""

audit_entry: Final = Table(
    "audit_entry",
    METADATA,
    Column("index", BigInteger, CheckConstraint("index >= 0", name="index"), primary_key=True, autoincrement=False),
    Column("at", TIMESTAMP(timezone=True), nullable=False),
    Column("line", Text, nullable=False),
    Column(
        "nodes",
        LargeBinary,
        CheckConstraint(r"substr(nodes, 1, 32) = sha256('\x00'::bytea || convert_to(line, 'UTF8'))", name="leaf"),
        CheckConstraint("octet_length(nodes) % 32 = 0", name="nodes"),
        nullable=False,
    ),
    Column("event", Text, Computed("line::jsonb ->> 'event'", persisted=True), nullable=False),
    Column("actor", Text, Computed("line::jsonb #>> '{actor,id}'", persisted=True), nullable=False),
    Column("subject", Text, Computed("line::jsonb #>> '{subject,id}'", persisted=True), nullable=False),
    CheckConstraint("(line::jsonb ->> 'index')::bigint = index", name="place"),
    info=_APPENDED,
)
"""`line` is the canonical JSON that was hashed; `nodes` the Merkle nodes that this entry completes, 32 bytes each, the leaf first.
The last three columns are made from the line by the database, for looking only."""

Index("audit_entry_event_index", audit_entry.c.event, audit_entry.c.index)
Index("audit_entry_actor_index", audit_entry.c.actor, audit_entry.c.index)
Index("audit_entry_subject_index", audit_entry.c.subject, audit_entry.c.index)

audit_checkpoint: Final = Table(
    "audit_checkpoint",
    METADATA,
    Column("size", BigInteger, CheckConstraint("size > 0", name="size"), primary_key=True, autoincrement=False),
    Column("root", LargeBinary, CheckConstraint("octet_length(root) = 32", name="root"), nullable=False),
    Column("note", Text, nullable=False),
    moment("at", now=True),
    info=_APPENDED,
)
"""`note` is the signed checkpoint; the root of the first `size` entries is `root`."""

audit_receipt: Final = Table(
    "audit_receipt",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("proof", LargeBinary, nullable=False),
    moment("at", now=True),
    info=_APPENDED,
)
"""A witness has the checkpoint of that size; `proof` is what it gave for it (an RFC 3161 answer, say), or empty."""

TABLES: Final = (audit_entry, audit_checkpoint, audit_receipt)

_REFUSE: Final = """
CREATE FUNCTION mover.audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is never changed: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$"""

# Rows that this statement put in before are seen by a volatile function, so a batch is checked row by row.
_IN_ORDER: Final = """
CREATE FUNCTION mover.audit_in_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF NEW.index > 0 AND NOT EXISTS (SELECT FROM mover.audit_entry e WHERE e.index = NEW.index - 1) THEN
    RAISE EXCEPTION 'the audit log has no gaps: entry % has none before it', NEW.index USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$"""


def _always(table: str, name: str, when: str, each: str, function: str) -> str:
    return f"""
CREATE TRIGGER {name} {when} ON mover.{table} FOR EACH {each} EXECUTE FUNCTION mover.{function}();
ALTER TABLE mover.{table} ENABLE ALWAYS TRIGGER {name}"""


TRIGGERS: Final = (
    _REFUSE,
    _IN_ORDER,
    _always("audit_entry", "in_order", "BEFORE INSERT", "ROW", "audit_in_order"),
    *(
        _always(table.name, "never_changed", "BEFORE UPDATE OR DELETE OR TRUNCATE", "STATEMENT", "audit_refuse")
        for table in TABLES
    ),
)
"""The statements to run once after the tables are made, by their owner, who is never the role that the service works as: an owner
could switch the triggers off. `ENABLE ALWAYS`: they hold for a session that replicates too."""
