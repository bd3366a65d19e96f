"""A run that only looks, but at every byte: the plan of `verify full`, and files of equal size are read on both sides."""

from __future__ import annotations

from mover.core.errors import MoverError
from mover.core.model import Entry
from mover.core.states import State
from mover.engine.items import Attempts
from mover.engine.journal import Proof
from mover.engine.plan import Planned, line_of
from mover.engine.run import Run
from mover.engine.side import Side
from mover.engine.transfer import Transfer
from mover.engine.verify import comparable, read_digests
from mover.net.pace import Bandwidth
from mover.spool.spool import Spool


class ProvingRun(Run):
    """For settings with `dry_run` and `verify` "full".

    Files whose contents differ stay planned; the others are `same`, with their proof, whatever their times.
    """

    def prove_with(self, source: Side, destination: Side, spool: Spool, run: str) -> ProvingRun:
        """The same run, with what it needs to read both sides."""
        bandwidth = Bandwidth(source.clock, self._settings.bytes_per_second)
        self._transfer = _Proving(
            source, destination, spool, self._journal, self._settings, self._progress, bandwidth, run
        )
        return self

    async def _only_planned(self, planned: Planned) -> None:
        await self._transfer(planned)


class _Proving(Transfer):
    """Reads, and never writes."""

    async def __call__(self, planned: Planned) -> None:
        """Read a file on both sides, if both have it and sizes do not tell it apart. Raises `LinkLost` as its base does."""
        there = planned.there
        if there is None or _sizes_differ(planned.source, there):
            return
        try:
            proof = await self._read_both(planned, there, Attempts(self._journal, planned, self._progress))
        except MoverError as problem:
            line = line_of(planned, State.FAILED, code=problem.code, detail=problem.detail)
        else:
            if proof is None:
                self._journal.write(line_of(planned, State.PLANNED, detail="changed: content"))
                return
            line = line_of(planned, State.SAME, proof=proof)
        self._progress.planned -= 1
        self._progress.items[line.state] += 1
        self._journal.write(line)
        await self._journal.settled()

    async def _read_both(self, planned: Planned, there: Entry, attempts: Attempts) -> Proof | None:
        """The proof that both hold the same bytes, or `None` if they do not. A file that cannot be read is no difference, but an error."""
        ours, algorithm = planned.source, comparable(planned.source)
        source, destination = self._source, self._destination
        (mine,) = await source.call(lambda: read_digests(source, ours, ours.size, [algorithm]), attempts)
        (theirs,) = await destination.call(lambda: read_digests(destination, there, None, [algorithm]), attempts)
        return Proof("read-back", mine.algorithm, mine.hex, theirs.hex) if mine.value == theirs.value else None


def _sizes_differ(one: Entry, other: Entry) -> bool:
    return one.size is not None and other.size is not None and one.size != other.size
