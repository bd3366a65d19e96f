"""The database that other tests are given."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from mover.store.database import Database


@pytest.mark.anyio
@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_migrated_database_of_its_own(fresh_database: Database, turn: int) -> None:
    async with fresh_database.transaction() as connection:
        version = (await connection.execute(text("SELECT version_num FROM mover.schema_version"))).scalar_one()
        await connection.execute(text("CREATE TABLE mover.only_here (n int)"))
    assert int(version) >= 0
