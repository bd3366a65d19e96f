"""All tables of a service in one place, for those who must miss none: migrations are held against them, roles are granted by them."""

from __future__ import annotations

from mover.store import audit_log, tables, vault_tables

__all__ = ["METADATA", "audit_log", "tables", "vault_tables"]

METADATA = tables.METADATA
