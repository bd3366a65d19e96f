"""The address of an embedded PostgreSQL that another process runs: for commands beside a running service."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL

from mover.core.errors import DatabaseUnreachable
from mover.store.embedded.folder import Folder
from mover.store.embedded.passwords import loaded


def url_beside(root: Path, role: str) -> URL:
    """How to reach, as one of its roles, the database whose folder that is.

    Raises:
        DatabaseUnreachable: no service runs there.
        RecordDamaged: its passwords cannot be read.
    """
    folder = Folder(root)
    passwords = loaded(folder.passwords) or {}
    if role not in passwords or not folder.socket.exists():
        raise DatabaseUnreachable(f"no service runs in {root}", advice="Start it first: `mover up`.")
    query = {"host": str(folder.socket.resolve()), "port": "5432"}
    return URL.create("postgresql+psycopg", username=role, password=passwords[role], database="mover", query=query)
