"""Accounts, connections, migrations, runs, batches, items, runners: the tables as of the first release, written out in `0001_first.sql`."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = "0000"


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n\n"):
        op.execute(statement)
