"""How the schema `mover` came to be: one file a change, applied in order at the start of a process.

To add one: write `versions/NNNN_what_it_does.py` with the next number, `revision = "NNNN"`, `down_revision` the number before, and an
`upgrade()` that calls `alembic.op`. It runs in a transaction of its own, once in a database's life; a released file is never changed.
There is no way back: an older Mover refuses the newer schema, and the backup that was taken before is the way back.
"""

from __future__ import annotations

from mover.store.migrations.upgrading import upgrade

__all__ = ["upgrade"]
