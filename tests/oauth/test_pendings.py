"""Sign-ins that wait on the server: for one session, once, for ten minutes, sealed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from tests.oauth.canaries import canary, known, refused
from tests.oauth.keeping import a_connection

from mover.core.clock import SystemClock
from mover.core.errors import MoverError, WrongState
from mover.core.secret import Secret
from mover.oauth import pendings
from mover.oauth.begin import begin
from mover.oauth.client import Client
from mover.oauth.pending import Pending
from mover.oauth.provider import Provider
from mover.store import oauth_pending
from mover.store.database import Database

pytestmark = pytest.mark.anyio
SESSION = Secret(canary("session"))


@pytest.fixture
async def account(fresh_database: Database) -> int:
    await a_connection(fresh_database)
    async with fresh_database.read() as transaction:
        found = await transaction.scalar(text("SELECT id FROM mover.account"))
    assert isinstance(found, int)
    return found


def begun(provider: Provider, client: Client, account: int) -> Pending:
    _, kept = begin(
        provider,
        client,
        redirect_uri="https://mover.example/callback",
        scopes=("openid", "files.read"),
        account=account,
        now=SystemClock().now(),
        connection=7,
        details={"name": "Alice's box"},
    )
    known(kept.state, kept.verifier, kept.nonce)
    return kept


async def keep(database: Database, kept: Pending, session: Secret = SESSION) -> None:
    async with database.transaction() as transaction:
        await pendings.keep(transaction, session, kept)


async def take(database: Database, state: Secret, session: Secret = SESSION) -> Pending:
    async with database.transaction() as transaction:
        return await pendings.take(transaction, session, state)


async def test_it_comes_back_as_it_was(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    kept = begun(provider, client, account)
    await keep(fresh_database, kept)
    found = await take(fresh_database, Secret(kept.state.reveal()))
    assert (found.redirect_uri, found.provider, found.account, found.scopes) == (
        kept.redirect_uri,
        "generic",
        account,
        ("openid", "files.read"),
    )
    assert (found.connection, found.details, found.expires) == (7, {"name": "Alice's box"}, kept.expires)
    assert found.verifier is not None and kept.verifier is not None and found.verifier.matches(kept.verifier)
    assert found.nonce is not None and kept.nonce is not None and found.nonce.matches(kept.nonce)


async def test_a_state_is_good_for_once(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    kept = begun(provider, client, account)
    await keep(fresh_database, kept)
    done = await asyncio.gather(*(take(fresh_database, kept.state) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, Pending) for one in done) == 1
    assert all(isinstance(one, Pending | WrongState) for one in done)
    with refused(WrongState):
        await take(fresh_database, kept.state)


async def test_anothers_session_finishes_nothing(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    """Neither a link that was sent to somebody (login CSRF), nor a state that was read over a shoulder."""
    kept = begun(provider, client, account)
    await keep(fresh_database, kept)
    with refused(WrongState):
        await take(fresh_database, kept.state, Secret(canary("session")))
    await take(fresh_database, kept.state)  # and spoils it for nobody


async def test_what_nobody_began(fresh_database: Database) -> None:
    with refused(WrongState):
        await take(fresh_database, Secret("A" * 43))


async def test_after_ten_minutes_it_is_over(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    kept = begun(provider, client, account)
    await keep(fresh_database, kept)
    async with fresh_database.transaction() as transaction:
        await transaction.execute(text("UPDATE mover.oauth_pending SET expires = now()"))
    with refused(WrongState):
        await take(fresh_database, kept.state)
    await keep(fresh_database, begun(provider, client, account))
    async with fresh_database.read() as transaction:
        assert await transaction.scalar(text("SELECT count(*) FROM mover.oauth_pending")) == 1


async def test_nobody_fills_the_table(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    made = [begun(provider, client, account) for _ in range(oauth_pending.MOST + 5)]
    for kept in made:
        await keep(fresh_database, kept)
    for kept in made[:5]:
        with refused(WrongState):
            await take(fresh_database, kept.state)
    for kept in made[5:]:
        await take(fresh_database, kept.state)


async def test_whoever_reads_the_table_has_nothing(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    kept = begun(provider, client, account)
    await keep(fresh_database, kept)
    async with fresh_database.read() as transaction:
        row = (await transaction.execute(text("SELECT * FROM mover.oauth_pending"))).one()
    assert kept.verifier is not None and kept.nonce is not None
    for secret in (kept.state, kept.verifier, kept.nonce, SESSION):
        assert all(secret.reveal().encode() not in bytes(value) for value in row if isinstance(value, bytes))


async def test_a_row_of_another_is_not_opened(
    fresh_database: Database, provider: Provider, client: Client, account: int
) -> None:
    """Somebody who may write the table puts one sign-in in the place of another."""
    mine, other = begun(provider, client, account), begun(provider, client, account)
    await keep(fresh_database, mine)
    await keep(fresh_database, other)
    async with fresh_database.transaction() as transaction:
        swap = "UPDATE mover.oauth_pending SET sealed = (SELECT sealed FROM mover.oauth_pending ORDER BY begun DESC LIMIT 1)"
        await transaction.execute(text(swap))
    with refused(MoverError):
        await take(fresh_database, mine.state)
