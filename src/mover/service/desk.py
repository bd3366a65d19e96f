"""What every use-case works with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.clock import Clock
from mover.core.errors import NameTaken, RowConflict
from mover.service.passwords import Passwords
from mover.service.secrets import ServiceSecrets
from mover.store.database import Database

MOST: Final = 1000
"""Rows that one page may have."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Database, vault and clock of this process. `wake` says that there is new work."""

    database: Database
    secrets: ServiceSecrets
    wake: Callable[[], None]
    clock: Clock
    local_paths: bool = False
    """Whether connections may name files and folders of the runners: only where one person owns everything."""
    passwords: Passwords = field(default_factory=Passwords)

    @asynccontextmanager
    async def naming(self, what: str, name: str) -> AsyncGenerator[AsyncConnection]:
        """A transaction in which something gets a name. Raises `NameTaken` instead of `RowConflict`."""
        try:
            async with self.database.transaction() as connection:
                yield connection
        except RowConflict as problem:
            raise NameTaken(f"there is a {what} named {name} already", item="name") from problem
