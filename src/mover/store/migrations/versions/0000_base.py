"""The schema is Mover's alone."""

from __future__ import annotations

from alembic import op

revision = "0000"
down_revision = None


def upgrade() -> None:
    op.execute("COMMENT ON SCHEMA mover IS 'Mover: changed by its migrations only'")
    op.execute("REVOKE ALL ON SCHEMA mover FROM PUBLIC")
