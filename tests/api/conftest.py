"""Fixtures of the tests of the apps: all three of them, over a fresh database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.api.browser import House, house

from mover.store.database import Database


@pytest.fixture
async def home(fresh_database: Database, tmp_path: Path) -> AsyncGenerator[House]:
    async with house(fresh_database, tmp_path) as made:
        yield made
