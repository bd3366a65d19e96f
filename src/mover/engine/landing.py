"""What stands at the destination until it is proved."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from mover.core.errors import MoverError
from mover.core.model import Digest, Entry
from mover.engine.journal import Proof
from mover.engine.settings import Verify
from mover.engine.side import LinkLost, Side
from mover.engine.verify import prove


class Landing:
    """A file that was written and is not proved yet. If it never will be, `clear` takes it away: nothing unproved stays visible."""

    def __init__(self, destination: Side, verify: Verify) -> None:
        self._destination = destination
        self._verify: Verify = verify
        self._unproved: Entry | None = None

    async def proved(self, written: Entry, size: int, digests: Sequence[Digest]) -> Proof:
        """Prove it; see `verify.prove`."""
        self._unproved = written
        proof = await prove(self._destination, written, size, digests, self._verify)
        self._unproved = None
        return proof

    async def clear(self) -> None:
        """Remove what could not be proved, as far as the destination lets us."""
        if self._unproved is not None:
            remove = partial(self._destination.connector.remove, self._unproved.id)
            with suppress(MoverError, LinkLost):
                await self._destination.call(remove)
