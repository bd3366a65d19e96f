"""Renewing tokens: one request whoever asks, saved before it is used, and honest when an answer was lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from tests.oauth.canaries import canary
from tests.oauth.keeping import TestKeeper, tokens, turn_of
from tests.oauth.token_server import Asked, Reply, Rotating, TokenServer, fine

from mover.oauth.endpoint import Line
from mover.oauth.refreshing import Refresher
from mover.store import oauth_turns
from mover.store.database import Database

pytestmark = pytest.mark.anyio
FIRST, SLOW, OTHER = (canary("refresh") for _ in range(3))


async def test_fresh_tokens_are_handed_out(refresher: Refresher, connection: int, server: TokenServer) -> None:
    given = tokens(FIRST)
    await refresher.signed_in(connection, given)
    assert (await refresher.tokens(connection)).access.matches(given.access)
    assert server.asked == []


@pytest.mark.parametrize(("age", "asks"), [(3290, False), (3310, True), (4000, True), (-290, False), (-310, True)])
async def test_they_are_renewed_ahead_of_their_end(
    *, age: float, asks: bool, refresher: Refresher, connection: int, server: TokenServer
) -> None:
    """300 seconds before it. From the future (a clock that was set back since): not to be trusted."""
    await refresher.signed_in(connection, tokens(FIRST, age=age))
    await refresher.tokens(connection)
    assert bool(server.asked) is asks


async def test_short_lives_are_used_for_four_fifths(refresher: Refresher, connection: int, server: TokenServer) -> None:
    await refresher.signed_in(connection, tokens(FIRST, life=10, age=7))
    await refresher.tokens(connection)
    assert server.asked == []
    await refresher.signed_in(connection, tokens(FIRST, life=10, age=9))
    await refresher.tokens(connection)
    assert len(server.asked) == 1


async def test_rotation_goes_on_and_on(
    refresher: Refresher, connection: int, server: TokenServer, keeper: TestKeeper
) -> None:
    rotating = Rotating()
    server.answering = rotating
    now = tokens(rotating.current, age=4000)
    await refresher.signed_in(connection, now)
    for count in range(1, 6):
        now = await refresher.tokens(connection, rejected=now.access)
        assert now.refresh is not None and now.refresh.reveal() == rotating.current
        assert len(rotating.used) == count and not rotating.revoked
    assert (await turn_of(keeper.database, connection)) == (6, None, False)


async def test_a_token_that_was_refused_is_renewed_though_it_looks_valid(
    refresher: Refresher, connection: int, server: TokenServer
) -> None:
    given = tokens(FIRST)
    await refresher.signed_in(connection, given)
    new = await refresher.tokens(connection, rejected=given.access)
    assert not new.access.matches(given.access) and len(server.asked) == 1
    # another one that was refused the same old token later
    assert (await refresher.tokens(connection, rejected=given.access)).access.matches(new.access)
    assert len(server.asked) == 1


async def test_twenty_at_once_make_one_request(refresher: Refresher, connection: int, server: TokenServer) -> None:
    rotating = Rotating(slow=0.3)
    server.answering = rotating
    await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    got = await asyncio.gather(*(refresher.tokens(connection) for _ in range(20)))
    assert len(server.asked) == 1 and {one.access.reveal() for one in got} == {got[0].access.reveal()}


async def test_two_processes_with_ten_each_make_one_request(
    connection: int, server: TokenServer, keeper: TestKeeper, line: Line, database_url: Any
) -> None:
    """Nothing is shared but the database."""
    rotating = Rotating(slow=0.5)
    server.answering = rotating
    async with (
        Database(database_url) as one,
        Database(database_url) as two,
        Refresher(one, line.http, replace(keeper, database=one), line.clock) as first,
        Refresher(two, line.http, replace(keeper, database=two), line.clock) as second,
    ):
        await first.signed_in(connection, tokens(rotating.current, age=4000))
        got = await asyncio.gather(*(each.tokens(connection) for each in (first, second) for _ in range(10)))
    assert len(server.asked) == 1 and not rotating.revoked
    assert {tokens.access.reveal() for tokens in got} == {got[0].access.reveal()}


async def test_connections_do_not_wait_for_each_other(
    refresher: Refresher, connection: int, server: TokenServer, fresh_database: Database
) -> None:
    async with fresh_database.transaction() as transaction:
        query = "INSERT INTO mover.connection (owner, name, connector) SELECT owner, 'other', 'box' FROM mover.connection RETURNING id"
        other = await transaction.scalar(text(query))
    assert isinstance(other, int)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answering(asked: Asked) -> Reply:
        if asked.form["refresh_token"] == SLOW:
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(20)
        return Reply(fine())

    server.answering = answering
    await refresher.signed_in(connection, tokens(SLOW, age=4000))
    await refresher.signed_in(other, tokens(OTHER, age=4000))
    slow = asyncio.create_task(refresher.tokens(connection))
    await refresher.tokens(other)
    assert not slow.done()
    gate.set()
    await slow


async def test_whoever_leaves_does_not_stop_it(refresher: Refresher, connection: int, server: TokenServer) -> None:
    rotating = Rotating(slow=0.4)
    server.answering = rotating
    await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    asking = asyncio.create_task(refresher.tokens(connection))
    await server.first()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    new = await refresher.tokens(connection)
    assert new.refresh is not None and new.refresh.reveal() == rotating.current and len(server.asked) == 1


async def test_leaving_the_service_waits_for_the_answer(
    connection: int, server: TokenServer, keeper: TestKeeper, line: Line
) -> None:
    rotating = Rotating(slow=0.4)
    server.answering = rotating
    async with Refresher(keeper.database, line.http, keeper, line.clock) as refresher:
        await refresher.signed_in(connection, tokens(rotating.current, age=4000))
        asking = asyncio.create_task(refresher.tokens(connection))
        await server.first()
        asking.cancel()
    held = await keeper.load(connection)
    assert held.tokens is not None and held.tokens.refresh is not None
    assert len(rotating.used) == 1 and held.tokens.refresh.reveal() == rotating.current


async def test_leaving_the_service_waits_for_no_turn(
    connection: int, server: TokenServer, keeper: TestKeeper, line: Line
) -> None:
    async with Refresher(keeper.database, line.http, keeper, line.clock) as refresher:
        await refresher.signed_in(connection, tokens(FIRST, age=4000))
        async with keeper.database.transaction() as transaction:
            await oauth_turns.take(transaction, connection, "a process that hangs", seconds=90)
        asking = asyncio.create_task(refresher.tokens(connection))
        await asyncio.sleep(0.3)
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert server.asked == []
