"""How often somebody who is not signed in may ask, per address and process; what counts for all processes is in `service.signin`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from mover.core.clock import Clock
from mover.core.errors import TooOften
from mover.service.actor import Origin
from mover.service.signin.throttle import network

AT_ONCE: Final = 30
PER_SECOND: Final = 0.5
_MOST: Final = 20_000


class Strangers:
    """A bucket of tokens for each address; the addresses that were not seen for longest are forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, origin: Origin) -> None:
        """One more request. Raises `TooOften`."""
        key, now = network(origin.address), self._clock.monotonic()
        left, at = self._buckets.pop(key, (float(AT_ONCE), now))
        left = min(AT_ONCE, left + (now - at) * PER_SECOND)
        self._buckets[key] = (max(0.0, left - 1), now)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        if left < 1:
            raise TooOften("too many requests from this address", after=(1 - left) / PER_SECOND)
