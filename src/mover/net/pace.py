"""How fast one account at one provider may be asked, and how long to wait before asking again.

There is one `Pace` for each provider and account, shared by all hands. It bounds the calls at once, slows down when the
provider says so (additive increase, multiplicative decrease, as TCP does: RFC 5681 §3.1) and closes for everybody while
a `Retry-After` (RFC 9110 §10.2.3) lasts. Time and chance are handed in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from mover.core.clock import Clock
from mover.core.errors import BadOption, LinkError, MoverError, Retry, Throttled

LONGEST_WAIT: Final = 900.0
"""Seconds. A provider that asks for more is not waited for: the run pauses."""

_NO_HOLD: Final = float("-inf")


class Pace:
    """The gate that every call to one account passes.

    >>> async with pace.turn():
    ...     answer = await call()
    >>> pace.succeeded()
    """

    def __init__(self, clock: Clock, *, at_most: int = 32, grow_after: int = 32, longest: float = LONGEST_WAIT) -> None:
        """Let `at_most` calls run at once. After a throttling the number grows by one with every `grow_after` successes.

        Raises:
            BadOption: a number is below 1.
        """
        if at_most < 1 or grow_after < 1:
            raise BadOption(f"calls at once must be 1 or more, not {min(at_most, grow_after)}")
        self._clock = clock
        self._at_most, self._grow_after, self._longest = at_most, grow_after, longest
        self._limit, self._running, self._successes = at_most, 0, 0
        self._forgiven = 0  # outcomes to come of calls that began before the last halving: they say nothing new
        self._open_at = _NO_HOLD
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turn = _Turn(self)

    @property
    def limit(self) -> int:
        """How many calls may run at once now."""
        return self._limit

    @property
    def running(self) -> int:
        """How many calls have their turn now."""
        return self._running

    @property
    def held(self) -> float:
        """Seconds until the gate opens again; 0 if it is open."""
        return max(0.0, self._open_at - self._clock.monotonic())

    def turn(self) -> _Turn:
        """Wait for a turn (first come, first served) and keep it for the length of the `async with`."""
        return self._turn

    @asynccontextmanager
    async def aside(self) -> AsyncGenerator[None]:
        """Within a turn: leave it to others while waiting for what is not the provider's to give, and take one again after.

        Whoever kept a turn while it waits for room at the other side could wait for somebody there who waits for this very turn.
        """
        self.leave()
        try:
            yield
            await self.enter()
        except BaseException:
            self._running += 1  # the turn that `leave` will give back
            raise

    def succeeded(self) -> None:
        """Tell of a call that the provider answered."""
        if self._forgiven:
            self._forgiven -= 1
        if self._limit < self._at_most:
            self._successes += 1
            if self._successes >= self._grow_after:
                self._successes = 0
                self._limit += 1
                self._admit()

    def report(self, error: MoverError) -> None:
        """Tell of a call that failed.

        `Throttled` halves the calls at once, down to 1; calls that were under way when the number was halved do not halve it
        again. A `LinkError` with `after` closes the gate, as `hold`.
        """
        if self._forgiven:
            self._forgiven -= 1
        elif isinstance(error, Throttled):
            self._limit = max(1, self._limit // 2)
            self._forgiven = self._running
            self._successes = 0
        if isinstance(error, LinkError) and error.after is not None:
            self.hold(error.after)

    def hold(self, seconds: float) -> None:
        """Close the gate to all for so long, at most for the longest wait; calls under way go on. The hold that ends last wins."""
        if seconds > 0:
            self._open_at = max(self._open_at, self._clock.monotonic() + min(seconds, self._longest))

    async def enter(self) -> None:
        """Take a turn; `turn` gives it back by itself, so prefer that."""
        if self._open_at == _NO_HOLD and self._running < self._limit and not self._waiting:
            self._running += 1
            return
        await self._place()
        while (seconds := self._open_at - self._clock.monotonic()) > 0 or self._running > self._limit:
            await self._patience(seconds)
        self._open_at = _NO_HOLD

    def leave(self) -> None:
        """Give the turn back."""
        self._running -= 1
        self._admit()

    async def _place(self) -> None:
        if self._running < self._limit and not self._waiting:
            self._running += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self.leave()  # the turn came in the same moment: it must not get lost
            elif place in self._waiting:
                self._waiting.remove(place)
            raise

    async def _patience(self, seconds: float) -> None:
        """Wait out a hold; or, if the number was halved meanwhile, stand in line again."""
        try:
            await self._clock.sleep(seconds)
        except asyncio.CancelledError:
            self.leave()
            raise
        if self._running > self._limit:
            self.leave()
            await self._place()

    def _admit(self) -> None:
        while self._waiting and self._running < self._limit:
            place = self._waiting.popleft()
            if not place.done():
                self._running += 1
                place.set_result(None)


class _Turn:
    """One for all calls of a pace: it holds nothing of its own, so that a turn costs no allocation."""

    __slots__ = ("_pace",)

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def __aenter__(self) -> None:
        await self._pace.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._pace.leave()


class Bandwidth:
    """Bytes per second, shared by all who take from it: a token bucket that holds one second's worth."""

    def __init__(self, clock: Clock, bytes_per_second: int | None) -> None:
        """`None` is no limit, and costs nothing.

        Raises:
            BadOption: the rate is below 1.
        """
        if bytes_per_second is not None and bytes_per_second < 1:
            raise BadOption(f"a bandwidth is 1 byte per second or more, not {bytes_per_second}")
        self._clock = clock
        self._rate = bytes_per_second
        self._paid_until = float("-inf")

    async def take(self, n: int) -> None:
        """Wait until `n` more bytes may pass. More than a second's worth may be taken at once; it takes its time."""
        if self._rate is None or n <= 0:
            return
        now = self._clock.monotonic()
        cost = n / self._rate
        self._paid_until = max(self._paid_until, now - 1.0) + cost
        if self._paid_until > now:
            try:
                await self._clock.sleep(self._paid_until - now)
            except asyncio.CancelledError:
                self._paid_until -= cost
                raise


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and after how long, to try again: exponential, with full jitter.

    `attempts` counts all tries, the first included; `first` and `cap` are seconds. Source of the jitter: "Exponential
    Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    attempts: int = 5
    first: float = 0.5
    factor: float = 2.0
    cap: float = 60.0

    def again(self, attempt: int, error: MoverError) -> bool:
        """Whether to try again after `attempt` tries (1 is the first), the last of which failed by `error`."""
        return attempt < self.attempts and error.retry is not Retry.NEVER

    def delay(self, attempt: int, error: MoverError, random: Callable[[], float]) -> float:
        """Seconds to wait after `attempt` tries (1 is the first): never fewer than the provider asked for.

        `random` gives numbers from 0 up to 1. The jitter is added to the provider's own time, so that those whom it told
        the same do not all come back in the same moment.
        """
        doublings = min(max(attempt, 1) - 1, 64)
        spread = min(self.cap, self.first * self.factor**doublings)
        return max(0.0, error.after or 0.0) + random() * spread
