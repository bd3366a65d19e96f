"""One end of a run: an open connection, what is known of it, and how it is spoken to."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

from mover.core.clock import Clock
from mover.core.connector import Connector
from mover.core.errors import LinkError, MoverError, Retry
from mover.core.model import Cursor, Entry, ItemId
from mover.core.spec import Cap, Spec
from mover.net.pace import LONGEST_WAIT, Pace, Retries

T = TypeVar("T")
Note = Callable[[MoverError], None]


class LinkLost(Exception):  # not a failure of ours but a turn of events: the run pauses
    """The connection as a whole does not work any more. `problem` says why."""

    def __init__(self, problem: MoverError) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def ignore(problem: MoverError) -> None:
    """A note that nobody keeps."""
    del problem


@dataclass(frozen=True, slots=True)
class Side:
    """A connector with its folder, its pace and its patience."""

    connector: Connector
    spec: Spec
    folder: Entry
    pace: Pace
    clock: Clock
    retries: Retries = field(default_factory=Retries)

    def can(self, cap: Cap) -> bool:
        """Whether this account has all of `cap`."""
        return self.connector.caps & cap == cap

    async def call(self, work: Callable[[], Awaitable[T]], note: Note = ignore) -> T:
        """Do `work`, again if that may help, never faster than the provider likes. `note` hears of each failure.

        Raises:
            ItemError: the item failed for good.
            LinkLost: the connection itself is gone; a last look at its root failed too.
        """

        async def in_turn() -> T:
            async with self.pace.turn():
                return await work()

        return await self.patiently(in_turn, note)

    async def patiently(self, work: Callable[[], Awaitable[T]], note: Note = ignore) -> T:
        """As `call`, but without a turn: for what waits long in the middle of its work, and would keep the turn from others.

        Raises:
            ItemError, LinkLost: as `call`.
        """
        attempt = 0
        while True:  # ends with the policy of retries
            try:
                done = await work()
            except MoverError as problem:
                note(problem)
                self.pace.report(problem)
                attempt += 1
                await self._wait_or_give_up(problem, attempt)
            else:
                self.pace.succeeded()
                return done

    async def _wait_or_give_up(self, problem: MoverError, attempt: int) -> None:
        if self.retries.again(attempt, problem):
            wait = self.retries.delay(attempt, problem, random.random)
            if wait <= LONGEST_WAIT:
                await self.clock.sleep(wait)
                return
        if isinstance(problem, LinkError) and not await self._still_there(problem):
            raise LinkLost(problem) from problem
        raise problem

    async def _still_there(self, problem: MoverError) -> bool:
        """One item may break a server's back every time; that is no reason to stop all others."""
        if problem.retry is not Retry.SOON:
            return False
        try:
            await self.connector.root()
        except MoverError:
            return False
        return True


async def listing(side: Side, folder: ItemId) -> list[Entry]:
    """A whole folder, page by page. Raises `NotFound` if it is gone."""
    entries: list[Entry] = []
    after: Cursor | None = None
    while True:
        page = await side.call(partial(side.connector.list, folder, after))
        entries += page.entries
        if page.next is None:
            return entries
        after = page.next


def first_of(group: BaseExceptionGroup[BaseException], kind: type[BaseException]) -> BaseException:
    """The first exception of that kind in the group, however deep; the first of any kind if there is none."""
    chosen, rest = group.split(kind)
    found = (chosen or rest or group).exceptions[0]
    if isinstance(found, BaseExceptionGroup):
        return first_of(cast("BaseExceptionGroup[BaseException]", found), kind)
    return found
