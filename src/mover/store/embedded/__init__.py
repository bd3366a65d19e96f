"""The PostgreSQL that Mover runs itself: private, on one machine, reached by a unix socket only."""

from __future__ import annotations

from mover.store.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
