"""Connections whose tokens lie in the service's database, unsealed: what the vault does is not these tests' business."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.oauth.canaries import canary, known

from mover.core.clock import SystemClock
from mover.core.errors import UnknownThing
from mover.core.secret import Secret
from mover.oauth.client import Client
from mover.oauth.grants import Grant
from mover.oauth.keeper import Held
from mover.oauth.provider import Provider
from mover.oauth.tokens import TokenSet, token_set
from mover.store import vault_queries
from mover.store.database import Database

OWNER, PURPOSE = "owner", "oauth"


@dataclass
class TestKeeper:
    """A `Keeper`. `failing` are errors that the next calls of `seal` raise."""

    __test__ = False

    database: Database
    provider: Provider
    client: Client
    grant: Grant | None = None
    failing: list[Exception] = field(default_factory=list[Exception])
    loads: int = 0

    async def load(self, connection: int) -> Held:
        self.loads += 1
        async with self.database.read() as transaction:
            if (
                await transaction.scalar(text("SELECT 1 FROM mover.connection WHERE id = :id"), {"id": connection})
                is None
            ):
                raise UnknownThing("there is no connection of that number")
            row = await vault_queries.credential_at(transaction, OWNER, PURPOSE, str(connection))
        tokens = None if row is None else token_set(Secret(row.sealed.decode()))
        return Held(self.provider, self.client, tokens, self.grant)

    async def seal(self, connection: int, tokens: TokenSet) -> bytes:
        if self.failing:
            raise self.failing.pop(0)
        return tokens.sealable().reveal().encode()

    async def save(self, transaction: AsyncConnection, connection: int, sealed: bytes) -> None:
        await vault_queries.save(transaction, OWNER, PURPOSE, str(connection), sealed)


async def a_connection(database: Database) -> int:
    """A saved connection of somebody's, without tokens."""
    async with database.transaction() as transaction:
        account = await transaction.scalar(
            text("INSERT INTO mover.account (name, role) VALUES ('alice', 'manager') RETURNING id")
        )
        made = await transaction.scalar(
            text("INSERT INTO mover.connection (owner, name, connector) VALUES (:owner, 'box', 'box') RETURNING id"),
            {"owner": account},
        )
    assert isinstance(made, int)
    return made


async def turn_of(database: Database, connection: int) -> tuple[int, str | None, bool]:
    """Generation, holder, and whether an answer is outstanding."""
    async with database.read() as transaction:
        query = text("SELECT generation, holder, asked IS NOT NULL FROM mover.oauth_turn WHERE connection = :id")
        row = (await transaction.execute(query, {"id": connection})).one()
    return row[0], row[1], row[2]


def tokens(refresh: str | None, *, life: float = 3600, age: float = 0) -> TokenSet:
    """A set that was got `age` seconds ago."""
    obtained = SystemClock().now() - timedelta(seconds=age)
    made = TokenSet(
        Secret(canary("access")),
        None if refresh is None else Secret(refresh),
        obtained,
        obtained + timedelta(seconds=life),
        frozenset({"files.read"}),
    )
    known(made)
    return made
