"""Fixtures of the vault's tests: a database with roles, and a vault over a global key in a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import MetaData
from tests.postgres import Postgres
from tests.sites.base import Missing
from tests.vault.databases import Logins, logins
from tests.vault.holders import soft_token

from mover.store.vault_tables import credential, user_key


@pytest.fixture
async def roles(postgres: Postgres) -> AsyncGenerator[Logins]:
    """A database with the vault's two tables, and a login for each role."""
    metadata = MetaData()
    for table in (user_key, credential):
        table.to_metadata(metadata)
    async with logins(postgres, metadata) as made:
        yield made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where a vault of a test may keep its global key."""
    return tmp_path / "global.json"


@pytest.fixture(scope="session")
def soft_module(tmp_path_factory: pytest.TempPathFactory) -> Path | Missing:
    """SoftHSM's module, with a token made for this process; or what is missing."""
    try:
        return soft_token(tmp_path_factory.mktemp("softhsm"))
    except Missing as missing:
        return missing
