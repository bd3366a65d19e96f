"""A run that only looks, but looks at every byte: the plan of `verify full`, and each file that seems the same is read on both sides."""

from __future__ import annotations

from mover.core.errors import MoverError
from mover.core.states import State
from mover.engine.items import Attempts
from mover.engine.plan import Planned, line_of
from mover.engine.run import Run
from mover.engine.side import Side
from mover.engine.transfer import Transfer
from mover.net.pace import Bandwidth
from mover.spool.spool import Spool


class ProvingRun(Run):
    """For settings with `dry_run` and `verify` "full". Files that differ stay planned; the others are `same`, with their proof."""

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
        """Read a file on both sides, if both have it. Raises `LinkLost` as its base does."""
        if planned.why != "check":
            return
        try:
            proof = await self._already_there(planned, Attempts(self._journal, planned, self._progress))
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
