"""The tables of the schema `mover`, a module for each part of it. `METADATA` knows them all."""

from __future__ import annotations

from mover.store.tables import accounts, connections, migrations, oauth, runners, signin, work
from mover.store.tables.base import METADATA

__all__ = ["METADATA", "accounts", "connections", "migrations", "oauth", "runners", "signin", "work"]
