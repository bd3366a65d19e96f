"""What the database's roles cannot do to the log: each way is refused by PostgreSQL itself, for the reason that is named."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from tests.audit.making import Log, filled, signer

from mover.audit.log import sign_checkpoint
from mover.core.errors import DatabaseFailed
from mover.store import audit_rows
from mover.store.audit_log import TABLES

pytestmark = pytest.mark.anyio

NAMES = [table.name for table in TABLES]
INSERT = "INSERT INTO mover.{0} SELECT * FROM mover.{0}"
WAYS = [
    "UPDATE mover.{0} SET at = now()",
    "UPDATE mover.{0} SET at = now() WHERE false",
    "DELETE FROM mover.{0}",
    "TRUNCATE mover.{0}",
    "ALTER TABLE mover.{0} DISABLE TRIGGER never_changed",
    "ALTER TABLE mover.{0} DISABLE TRIGGER ALL",
    "DROP TRIGGER never_changed ON mover.{0}",
    "DROP TABLE mover.{0}",
    "ALTER TABLE mover.{0} RENAME TO gone",
    "CREATE RULE quiet AS ON INSERT TO mover.{0} DO INSTEAD NOTHING",
    "LOCK TABLE mover.{0} IN ACCESS EXCLUSIVE MODE",
    "SELECT at FROM mover.{0} FOR UPDATE",
]
BESIDE = [
    "CREATE OR REPLACE FUNCTION mover.audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION mover.audit_refuse() CASCADE",
    "DROP SCHEMA mover CASCADE",
    "SET session_replication_role = replica",
    "SET ROLE mover_owner",
    "CREATE TABLE mover.other (a int)",
]


async def test_the_service_appends_and_reads_and_nothing_else(log: Log) -> None:
    await _fill(log)
    for statement in [*(way.format(name) for way in WAYS for name in NAMES), *BESIDE]:
        with pytest.raises(DatabaseFailed, match="42501"):  # insufficient_privilege
            async with log.api.transaction() as connection:
                await connection.execute(text(statement))
    await _same(log)


async def test_an_auditor_reads_and_nothing_else(log: Log) -> None:
    await _fill(log)
    for statement in [*(way.format(name) for way in [*WAYS, INSERT] for name in NAMES), *BESIDE]:
        # no right; a read-only transaction; a column that is made
        with pytest.raises(DatabaseFailed, match=r"42501|25006|428C9"):
            async with log.auditor.transaction() as connection:
                await connection.execute(text(statement))
    await _same(log)


async def test_even_the_owner_and_the_superuser_are_stopped_until_they_switch_the_trigger_off(log: Log) -> None:
    await _fill(log)
    for pool in (log.owner, log.superuser):
        for way in WAYS[:4]:
            for name in NAMES:
                with pytest.raises(DatabaseFailed, match="never changed"):
                    async with pool.transaction() as connection:
                        await connection.execute(text(way.format(name)))
    async with log.superuser.alone() as connection:
        await connection.execute(text("SET session_replication_role = replica"))
        with pytest.raises(DBAPIError, match="never changed"):
            await connection.execute(text("DELETE FROM mover.audit_entry"))
    await _same(log)


async def _fill(log: Log) -> None:
    await filled(log, 3)
    async with log.api.transaction() as connection:
        await sign_checkpoint(connection, signer())
        await audit_rows.add_receipt(connection, 3, "file", b"", (await audit_rows.tip(connection)).at)


async def _same(log: Log) -> None:
    async with log.superuser.read() as connection:
        for table, count in zip(TABLES, (3, 1, 1), strict=True):
            assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == count
