"""What the audit tests share: acts, keys, a log of some entries, and the ways in which somebody may tamper with one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from mover.audit.entry import Act, Entry
from mover.audit.events import Actor, Event
from mover.audit.log import Signer, append
from mover.crypto.signatures import SigningKey
from mover.store.audit_log import TABLES
from mover.store.database import Database

ORIGIN = "mover.test/audit"


@dataclass
class Log:
    """One log, as its roles see it: the service, an auditor, the tables' owner, and the server's superuser."""

    api: Database
    auditor: Database
    owner: Database
    superuser: Database


def signer() -> Signer:
    return Signer(ORIGIN, SigningKey.new())


def act(number: int = 0, **details: object) -> Act:
    """Something that may be logged."""
    return Act(
        Event.RUN_STARTED,
        Actor.ACCOUNT,
        f"account-{number % 3}",
        f"run-{number}",
        {"migration": f"m-{number}", **details},
        request=f"request-{number}",
        address="192.0.2.1",
    )


async def filled(log: Log, count: int) -> list[Entry]:
    """Append that many acts in one transaction."""
    async with log.api.transaction() as connection:
        return list(await append(connection, [act(number) for number in range(count)]))


async def tamper(log: Log, *statements: str) -> None:
    """Do what the server's superuser can: without triggers and checks, which stand there again afterwards."""
    async with log.superuser.transaction() as connection:
        for table in TABLES:
            await connection.execute(text(f"ALTER TABLE {table.fullname} DISABLE TRIGGER ALL"))
        await connection.execute(text("ALTER TABLE mover.audit_entry DROP CONSTRAINT IF EXISTS audit_entry_leaf"))
        await connection.execute(text("ALTER TABLE mover.audit_entry DROP CONSTRAINT IF EXISTS audit_entry_place"))
        for statement in statements:
            await connection.execute(text(statement))
        for table in TABLES:
            await connection.execute(text(f"ALTER TABLE {table.fullname} ENABLE ALWAYS TRIGGER never_changed"))
        await connection.execute(text("ALTER TABLE mover.audit_entry ENABLE ALWAYS TRIGGER in_order"))
