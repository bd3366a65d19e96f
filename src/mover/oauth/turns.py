"""Turns at renewing tokens, and saving what came of one. See `refreshing`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from mover.core.clock import Clock
from mover.core.errors import DatabaseContended, DatabaseFailed, MoverError, Retry, RowConflict, UnknownThing
from mover.oauth.keeper import Keeper
from mover.oauth.tokens import TokenSet
from mover.store import oauth_turns
from mover.store.database import Database
from mover.store.oauth_turns import Turn

LOG: Final = logging.getLogger("mover.oauth")


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Tokens that came in the turn `holder`, when those of `generation` were the newest."""

    connection: int
    holder: str
    generation: int
    tokens: TokenSet


class Turns:
    """See the module."""

    def __init__(self, database: Database, keeper: Keeper, clock: Clock) -> None:
        self._database = database
        self._keeper = keeper
        self._clock = clock

    async def taken(self, connection: int, holder: str, *, seconds: float, patience: float) -> Turn:
        """Take the turn, when whoever has it gives it back or lets it expire; `patience` is how many seconds to wait.

        Raises:
            DatabaseContended: it was not given back in time.
            UnknownThing: there is no such connection.
        """
        until = self._clock.monotonic() + patience
        while self._clock.monotonic() < until:
            try:
                async with self._database.transaction() as transaction:
                    turn = await oauth_turns.take(transaction, connection, holder, seconds=seconds)
            except RowConflict as problem:
                raise UnknownThing("there is no connection of that number") from problem
            if turn is not None:
                return turn
            await self._clock.sleep(_GLANCE)
        raise DatabaseContended("another process has not finished renewing this connection's sign-in", advice=_LATER)

    async def asking(self, connection: int, holder: str, *, seconds: float) -> None:
        """Note that the provider is about to be asked.

        Raises:
            DatabaseContended: less than `seconds` are left of the turn.
        """
        async with self._database.transaction() as transaction:
            ours = await oauth_turns.ask(transaction, connection, holder, seconds=seconds)
        if not ours:
            raise DatabaseContended("this process was too slow at renewing a connection's sign-in", advice=_LATER)

    async def ended(self, connection: int, holder: str, *, answered: bool) -> None:
        """Give the turn back; where that fails, it expires by itself."""
        try:
            async with self._database.transaction() as transaction:
                await oauth_turns.end(transaction, connection, holder, answered=answered)
        except DatabaseFailed as problem:
            LOG.warning("the turn at connection %d could not be given back: %s", connection, problem.code)

    async def saved(self, unsaved: Unsaved, *, seconds: float) -> None:
        """Save tokens; what may help to do again is done again for that long. Where newer ones were saved meanwhile, those stay.

        Raises:
            DatabaseFailed, KeysUnreachable, KeysRefused, Sealed: they are not saved, as far as is known.
        """
        until, wait = self._clock.monotonic() + seconds, _GLANCE
        while True:
            try:
                return await self._saved_once(unsaved)
            except MoverError as problem:
                if problem.retry is not Retry.SOON or self._clock.monotonic() + wait > until:
                    raise
                LOG.warning("new tokens of connection %d are not saved yet: %s", unsaved.connection, problem.code)
            await self._clock.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def _saved_once(self, unsaved: Unsaved) -> None:
        number, holder = unsaved.connection, unsaved.holder
        sealed = await self._keeper.seal(number, unsaved.tokens)
        async with self._database.transaction() as transaction:
            if await oauth_turns.save(transaction, number, holder, unsaved.generation):
                await self._keeper.save(transaction, number, sealed)
            elif await oauth_turns.saved_by(transaction, number) != holder:  # else an earlier try did save, unheard
                LOG.warning("tokens of connection %d came too late: others were saved meanwhile", number)


_GLANCE: Final = 0.2
_LONGEST_WAIT: Final = 5.0
_LATER: Final = "Nothing is to be done: it is tried again. If it stays so, look whether a process of the service hangs."
