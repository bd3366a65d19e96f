"""New tokens are saved before anybody has them, and an answer that was lost is called by its name."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from tests.oauth.canaries import canary, refused
from tests.oauth.keeping import TestKeeper, tokens, turn_of
from tests.oauth.token_server import Asked, Reply, Rotating, TokenServer, fine

from mover.core.clock import SystemClock
from mover.core.errors import (
    BadCredentials,
    DatabaseContended,
    KeysRefused,
    KeysUnreachable,
    Throttled,
    UnknownThing,
    Unreachable,
)
from mover.oauth import refreshing, turns
from mover.oauth.failures import LOST, SignInEnded
from mover.oauth.grants import ClientCredentials
from mover.oauth.refreshing import Refresher
from mover.store import oauth_turns
from mover.store.database import Database

pytestmark = pytest.mark.anyio
FIRST, SLOW, OTHER = (canary("refresh") for _ in range(3))


async def test_it_is_saved_before_anybody_has_it(
    refresher: Refresher, connection: int, server: TokenServer, keeper: TestKeeper
) -> None:
    """The keys are away for a moment: nobody gets the new tokens before they come back, and nothing is asked again."""
    rotating = Rotating()
    server.answering = rotating
    await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    keeper.failing = [KeysUnreachable("away"), KeysUnreachable("away")]
    new = await refresher.tokens(connection)
    held = await keeper.load(connection)
    assert held.tokens is not None and held.tokens.access.matches(new.access)
    assert keeper.failing == [] and len(server.asked) == 1


async def test_what_cannot_be_saved_is_handed_to_nobody_and_saved_later(
    refresher: Refresher, connection: int, server: TokenServer, keeper: TestKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "SAVING", 0.5)
    rotating = Rotating()
    server.answering = rotating
    await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    keeper.failing = [KeysUnreachable("away") for _ in range(50)]
    with refused(KeysUnreachable):
        await refresher.tokens(connection)
    keeper.failing = [KeysRefused("no right")]
    with refused(KeysRefused):
        await refresher.tokens(connection)
    assert len(server.asked) == 1
    keeper.failing = []
    new = await refresher.tokens(connection)
    assert new.refresh is not None and new.refresh.reveal() == rotating.current
    assert len(server.asked) == 1 and not rotating.revoked


async def test_an_answer_that_was_lost_is_recognised(
    refresher: Refresher, connection: int, server: TokenServer, keeper: TestKeeper
) -> None:
    """The provider rotated, and its answer never arrived whole."""
    rotating = Rotating()

    def cut(asked: Asked) -> Reply:
        return Reply(rotating(asked).sent[:-4])

    server.answering = cut
    await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    with refused(Unreachable):
        await refresher.tokens(connection)
    assert (await turn_of(keeper.database, connection)) == (1, None, True)
    server.answering = rotating
    for _ in range(2):  # and it stays known
        with refused(SignInEnded) as found:
            await refresher.tokens(connection)
        assert found.value.advice == LOST
    await refresher.signed_in(connection, tokens(OTHER))
    assert (await turn_of(keeper.database, connection)) == (2, None, False)


async def test_a_sign_in_that_was_withdrawn_is_not_called_lost(
    refresher: Refresher, connection: int, server: TokenServer, keeper: TestKeeper
) -> None:
    await refresher.signed_in(connection, tokens(FIRST, age=4000))
    server.says({"error": "invalid_grant"}, 400)
    with refused(SignInEnded, "withdrawn or has expired") as found:
        await refresher.tokens(connection)
    assert (
        isinstance(found.value, BadCredentials) and found.value.advice != LOST and "Sign in again" in found.value.advice
    )
    assert (await turn_of(keeper.database, connection)) == (1, None, False)


async def test_waiting_as_told(refresher: Refresher, connection: int, server: TokenServer) -> None:
    await refresher.signed_in(connection, tokens(FIRST, age=4000))
    server.says({}, 429, Retry_After="30")
    with refused(Throttled) as found:
        await refresher.tokens(connection)
    assert found.value.after == 30
    server.says(fine())
    await refresher.tokens(connection)


async def test_a_refresh_token_that_is_missing_on_rotation(
    refresher: Refresher, connection: int, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The access token serves until its end; the old refresh token is kept, as nothing better is there, and the log says so."""
    await refresher.signed_in(connection, tokens(FIRST, age=4000))
    server.says(fine(refresh_token=None))
    new = await refresher.tokens(connection)
    assert new.refresh is not None and new.refresh.reveal() == FIRST
    assert "gave no new refresh token" in caplog.text


async def test_no_turn_is_waited_for_for_ever(
    refresher: Refresher, connection: int, keeper: TestKeeper, monkeypatch: pytest.MonkeyPatch, server: TokenServer
) -> None:
    monkeypatch.setattr(refreshing, "WAITING", 0.5)
    await refresher.signed_in(connection, tokens(FIRST, age=4000))
    async with keeper.database.transaction() as transaction:
        await oauth_turns.take(transaction, connection, "a process that hangs", seconds=60)
    with refused(DatabaseContended):
        await refresher.tokens(connection)
    assert server.asked == []


async def test_a_process_that_was_too_slow_asks_nothing(
    refresher: Refresher, connection: int, server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of its turn must be enough for a whole request."""
    await refresher.signed_in(connection, tokens(FIRST, age=4000))
    monkeypatch.setattr(refreshing, "TURN", 20.0)
    with refused(DatabaseContended):
        await refresher.tokens(connection)
    assert server.asked == []


async def test_a_dead_processs_turn_expires(
    refresher: Refresher, connection: int, keeper: TestKeeper, server: TokenServer
) -> None:
    await refresher.signed_in(connection, tokens(FIRST, age=4000))
    async with keeper.database.transaction() as transaction:
        await oauth_turns.take(transaction, connection, "a process that was killed", seconds=1)
    await refresher.tokens(connection)
    assert len(server.asked) == 1


async def test_a_frozen_process_that_wakes_up_late_overwrites_nothing(
    refresher: Refresher, connection: int, keeper: TestKeeper, fresh_database: Database
) -> None:
    first, newer, late = tokens(FIRST), tokens(OTHER), tokens(SLOW)
    await refresher.signed_in(connection, first)
    held = turns.Turns(fresh_database, keeper, SystemClock())
    stale = turns.Unsaved(connection, "frozen", 1, late)
    await refresher.signed_in(connection, newer)
    await held.saved(stale, seconds=1)
    found = await keeper.load(connection)
    assert found.tokens is not None and found.tokens.access.matches(newer.access)


async def test_what_was_saved_unheard_is_not_saved_twice(
    refresher: Refresher, connection: int, keeper: TestKeeper, fresh_database: Database
) -> None:
    """The database kept the transaction, and the answer to COMMIT was lost: the same tokens are saved again."""
    await refresher.signed_in(connection, tokens(FIRST))
    mine = turns.Unsaved(connection, "me", 1, tokens(OTHER))
    held = turns.Turns(fresh_database, keeper, SystemClock())
    await held.saved(mine, seconds=1)
    await held.saved(mine, seconds=1)
    assert (await turn_of(fresh_database, connection))[0] == 2
    found = await keeper.load(connection)
    assert found.tokens is not None and found.tokens.access.matches(mine.tokens.access)


async def test_a_connection_that_is_gone(refresher: Refresher, server: TokenServer) -> None:
    with refused(UnknownThing):
        await refresher.tokens(12345)
    with refused(UnknownThing):
        await refresher.signed_in(12345, tokens(FIRST))
    assert server.asked == []


async def test_a_connection_that_is_deleted_meanwhile(
    refresher: Refresher, connection: int, server: TokenServer, fresh_database: Database
) -> None:
    rotating = Rotating(slow=0.4)
    server.answering = rotating
    await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    asking = asyncio.create_task(refresher.tokens(connection))
    await server.first()
    async with fresh_database.transaction() as transaction:
        await transaction.execute(text("DELETE FROM mover.connection"))
        await transaction.execute(text("DELETE FROM mover.credential"))
    with refused(UnknownThing):
        await asking
    async with fresh_database.read() as transaction:
        assert await transaction.scalar(text("SELECT count(*) FROM mover.credential")) == 0


async def test_nobody_has_signed_in_yet(refresher: Refresher, connection: int, server: TokenServer) -> None:
    with refused(SignInEnded, "nobody has signed in"):
        await refresher.tokens(connection)
    assert server.asked == []


async def test_an_application_in_its_own_name(
    refresher: Refresher, connection: int, server: TokenServer, keeper: TestKeeper
) -> None:
    """Without a user there is no refresh token: the grant is asked for anew, by one at a time just the same."""
    keeper.grant = ClientCredentials(("files.read",))
    server.answering = lambda _: Reply(fine(refresh_token=None))
    got = await asyncio.gather(*(refresher.tokens(connection) for _ in range(5)))
    assert [one.form["grant_type"] for one in server.asked] == ["client_credentials"]
    await refresher.tokens(connection, rejected=got[0].access)
    assert len(server.asked) == 2
