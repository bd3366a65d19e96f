"""Valid access tokens of connections, renewed by one process at a time, and saved before anybody uses them.

A refresh token that is good for one use is lost if two use it, or if its successor is used or forgotten before it is saved. So:

- in a process, all who want a token of a connection wait for one task; it goes on if they leave;
- among processes, whoever holds the connection's turn (a row in PostgreSQL, for `TURN` seconds) may ask the provider. A request takes
  `endpoint.SECONDS` at most and is only sent while that much of the turn is left;
- the new tokens are saved in the transaction that counts them, and only if no others were saved since the turn began;
- if saving fails, it is tried again, first here for `SAVING` seconds, then by whoever asks this process next; until then nobody gets them;
- that the provider was asked is noted before. If the answer was lost and the provider then refuses the old token, the error says
  that this was why.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from types import TracebackType
from typing import Final, Self

from mover.core.clock import Clock
from mover.core.errors import MoverError, UnknownThing, Unreachable
from mover.core.secret import Secret
from mover.net.http import Http
from mover.oauth import endpoint
from mover.oauth.endpoint import Line
from mover.oauth.failures import AGAIN, LOST, SignInEnded
from mover.oauth.grants import granted, refreshed
from mover.oauth.keeper import Held, Keeper
from mover.oauth.provider import Rotation
from mover.oauth.tokens import TokenSet
from mover.oauth.turns import Turns, Unsaved
from mover.store.database import Database

LOG: Final = logging.getLogger("mover.oauth")

TURN: Final = 90.0
"""Seconds."""

SAVING: Final = 60.0
"""Seconds."""

WAITING: Final = 120.0
"""Seconds to wait for another process's turn."""


class Refresher:
    """See the module. `async with Refresher(...) as refresher`: leaving the block waits until what a provider was asked for is saved."""

    def __init__(self, database: Database, http: Http, keeper: Keeper, clock: Clock) -> None:
        self._turns = Turns(database, keeper, clock)
        self._line = Line(http, clock)
        self._keeper = keeper
        self._tasks: dict[int, asyncio.Task[TokenSet]] = {}
        self._asking: set[int] = set()
        self._unsaved: dict[int, Unsaved] = {}

    async def tokens(self, connection: int, *, rejected: Secret | None = None) -> TokenSet:
        """Tokens of a saved connection that are valid for a while, and are saved.

        `rejected` is an access token that the provider refused although it looked valid (clocks differ, or the user withdrew it):
        another one is got.

        Raises:
            SignInEnded: only a new sign-in helps; its advice says why.
            BadCredentials, BadOption, Throttled, Unreachable, Untrusted: see `endpoint.asked`.
            DatabaseFailed, KeysUnreachable, KeysRefused, Sealed: tokens cannot be read or saved now.
            UnknownThing: there is no such connection.
        """
        tokens = await self._valid(connection, rejected)
        if rejected is not None and tokens.access.matches(rejected):
            tokens = await self._valid(connection, rejected)  # it came of a renewal that knew nothing of the refusal
        return tokens

    async def signed_in(self, connection: int, tokens: TokenSet) -> None:
        """Save the tokens of a new sign-in in place of what was there. Raises as `tokens`, of the database and the keys."""
        self._unsaved.pop(connection, None)
        holder = secrets.token_hex(16)
        turn = await self._turns.taken(connection, holder, seconds=TURN, patience=WAITING)
        try:
            await self._turns.saved(Unsaved(connection, holder, turn.generation, tokens), seconds=SAVING)
        finally:
            await self._turns.ended(connection, holder, answered=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection, task in self._tasks.items():
            if connection not in self._asking:  # it only waits for its turn
                task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for connection in self._unsaved:
            LOG.error("new tokens of connection %d could not be saved: its user may have to sign in again", connection)

    async def _valid(self, connection: int, rejected: Secret | None) -> TokenSet:
        if connection not in self._tasks and connection not in self._unsaved:
            held = await self._keeper.load(connection)
            if _is_fit(held, self._line.clock, rejected):
                return _saved(held)
        return await asyncio.shield(self._tasks.get(connection) or self._begun(connection, rejected))

    def _begun(self, connection: int, rejected: Secret | None) -> asyncio.Task[TokenSet]:
        task = asyncio.create_task(self._renewed(connection, rejected), name=f"tokens of connection {connection}")
        self._tasks[connection] = task
        task.add_done_callback(lambda done: self._ended(connection, done))
        return task

    def _ended(self, connection: int, done: asyncio.Task[TokenSet]) -> None:
        del self._tasks[connection]
        if not done.cancelled():
            done.exception()  # seen: whoever asked may have left

    async def _renewed(self, connection: int, rejected: Secret | None) -> TokenSet:
        if unsaved := self._unsaved.get(connection):
            self._asking.add(connection)
            try:
                await self._save(unsaved)
            finally:
                self._asking.discard(connection)
        holder = secrets.token_hex(16)
        turn = await self._turns.taken(connection, holder, seconds=TURN, patience=WAITING)
        answered = False
        try:
            held = await self._keeper.load(connection)
            if _is_fit(held, self._line.clock, rejected):
                return _saved(held)
            self._asking.add(connection)
            await self._turns.asking(connection, holder, seconds=endpoint.SECONDS + _MARGIN)
            try:
                new = await self._asked(held, lost=turn.lost)
            except MoverError as problem:
                answered = not turn.lost and not isinstance(problem, Unreachable)
                raise
            await self._save(Unsaved(connection, holder, turn.generation, new))
        finally:
            self._asking.discard(connection)
            await self._turns.ended(connection, holder, answered=answered)
        return _saved(await self._keeper.load(connection))

    async def _asked(self, held: Held, *, lost: bool) -> TokenSet:
        old = held.tokens
        if held.grant is not None:
            return await granted(self._line, held.provider, held.client, held.grant)
        if old is None:
            raise SignInEnded(f"nobody has signed in at {held.provider.title} yet", advice=AGAIN)
        try:
            new = await refreshed(self._line, held.provider, held.client, old)
        except SignInEnded as problem:
            if lost:
                problem.advice = LOST
            raise
        if held.provider.rotation is Rotation.SINGLE_USE and new.previous is None:
            LOG.warning("%s gave no new refresh token for one that is good for one use", held.provider.title)
        return new

    async def _save(self, unsaved: Unsaved) -> None:
        self._unsaved[unsaved.connection] = unsaved
        await self._turns.saved(unsaved, seconds=SAVING)
        self._unsaved.pop(unsaved.connection, None)


_MARGIN: Final = 15.0
"""Seconds of a turn that are left for saving."""


def _is_fit(held: Held, clock: Clock, rejected: Secret | None) -> bool:
    tokens = held.tokens
    if tokens is None or (rejected is not None and tokens.access.matches(rejected)):
        return False
    return tokens.is_fresh(clock.now())


def _saved(held: Held) -> TokenSet:
    if held.tokens is None:
        raise UnknownThing("the connection has no tokens")
    return held.tokens
