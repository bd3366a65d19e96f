"""Run by Alembic itself, from `upgrading`, which gives it the connection."""

from __future__ import annotations

from alembic import context

from mover.store.migrations.upgrading import WHERE

# Alembic sets it while it runs this file; whoever merely imports it (a tool that looks through the package) starts nothing.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True, **WHERE)
    with context.begin_transaction():
        context.run_migrations()
