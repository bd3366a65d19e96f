"""Processes that are killed in the middle of a renewal, and many that want the same one."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from tests.oauth.canaries import KNOWN, canary, leaks, refused
from tests.oauth.keeping import TestKeeper, tokens, turn_of
from tests.oauth.token_server import Rotating, TokenServer
from tests.sites.base import Certificates

from mover.oauth.endpoint import Line
from mover.oauth.failures import LOST, SignInEnded
from mover.oauth.refreshing import Refresher
from mover.store.database import Database

pytestmark = pytest.mark.anyio
VICTIM = "tests.oauth.victim"
ROOT = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(database_url: URL, server: TokenServer, made: Certificates, connection: int) -> Start:
    def started(*, callers: int = 1, die: str | None = None) -> subprocess.Popen[str]:
        given = {
            "url": f"{server.url}/token",
            "database": database_url.render_as_string(hide_password=False),
            "ca": str(made.ca),
            "secret": canary("secret"),
            "connection": connection,
            "callers": callers,
            "die": die,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", VICTIM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        process.stdin = None
        return process

    return started


async def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    out, said = await asyncio.to_thread(process.communicate, timeout=60)
    assert leaks([out, said]) == [] and KNOWN
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode, [line.removeprefix("got ") for line in out.splitlines()]


async def expire_turns(database: Database) -> None:
    """What 90 seconds do."""
    async with database.transaction() as transaction:
        await transaction.execute(text("UPDATE mover.oauth_turn SET until = now() WHERE holder IS NOT NULL"))


async def test_three_processes_with_seven_each_make_one_request(
    start: Start, connection: int, server: TokenServer, keeper: TestKeeper, line: Line
) -> None:
    rotating = Rotating(slow=1.0)
    server.answering = rotating
    async with Refresher(keeper.database, line.http, keeper, line.clock) as refresher:
        await refresher.signed_in(connection, tokens(rotating.current, age=4000))
    every = await asyncio.gather(*(ended(start(callers=7)) for _ in range(3)))
    assert len(server.asked) == 1 and not rotating.revoked
    got = [one for _, hashes in every for one in hashes]
    assert len(got) == 21 and len(set(got)) == 1


async def test_killed_after_saving_costs_nothing(
    start: Start, connection: int, server: TokenServer, keeper: TestKeeper, line: Line
) -> None:
    rotating = Rotating()
    server.answering = rotating
    async with Refresher(keeper.database, line.http, keeper, line.clock) as refresher:
        await refresher.signed_in(connection, tokens(rotating.current, age=4000))
        assert await ended(start(die="saved")) == (-signal.SIGKILL, [])
        now = await refresher.tokens(connection)  # at once: nobody waits for the dead one's turn
        assert len(server.asked) == 1
        assert now.refresh is not None and now.refresh.reveal() == rotating.current
        await expire_turns(keeper.database)
        await refresher.tokens(connection, rejected=now.access)
    assert len(server.asked) == 2 and not rotating.revoked


@pytest.mark.parametrize("strict", [True, False])
async def test_killed_before_saving_is_named_as_what_it_is(
    *, strict: bool, start: Start, connection: int, server: TokenServer, keeper: TestKeeper, line: Line
) -> None:
    rotating = Rotating(strict=strict)
    server.answering = rotating
    async with Refresher(keeper.database, line.http, keeper, line.clock) as refresher:
        await refresher.signed_in(connection, tokens(rotating.current, age=4000))
        assert await ended(start(die="answered")) == (-signal.SIGKILL, [])
        assert (await turn_of(keeper.database, connection))[2]
        await expire_turns(keeper.database)
        with refused(SignInEnded) as found:
            await refresher.tokens(connection)
        assert found.value.advice == LOST
        again: Any = tokens(rotating.current, age=4000)
        await refresher.signed_in(connection, again)
        if not strict:
            assert not (await refresher.tokens(connection)).access.matches(again.access)


async def test_a_frozen_process_does_not_hold_up_the_others_for_ever(
    start: Start, connection: int, server: TokenServer, keeper: TestKeeper, line: Line
) -> None:
    """It is stopped while the provider works; its turn expires, another one asks; when it wakes up, it overwrites nothing."""
    rotating = Rotating(slow=0.8, strict=False)
    server.answering = rotating
    async with Refresher(keeper.database, line.http, keeper, line.clock) as refresher:
        await refresher.signed_in(connection, tokens(rotating.current, age=4000))
        process = start()
        await server.first()
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(1.0)
            await expire_turns(keeper.database)
            with refused(SignInEnded):  # the provider rotated for the frozen one
                await refresher.tokens(connection)
        finally:
            process.send_signal(signal.SIGCONT)
        code, got = await ended(process)
        now = await refresher.tokens(connection)
    assert code == 0 and len(got) == 1  # it had the only good tokens, and saved them
    assert now.refresh is not None and now.refresh.reveal() == rotating.current
