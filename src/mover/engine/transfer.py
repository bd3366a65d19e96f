"""One file on its way: fetched, sealed into the spool, sent, verified, erased, journaled."""

from __future__ import annotations

from itertools import count

from mover.core.errors import Changed, Damaged, ItemError, MoverError, SpoolFailed, SpoolFull, Unfit
from mover.core.model import Entry, ItemId
from mover.core.states import State
from mover.engine.items import Attempts, Reading, attributes_of, context_of, fresh, merged
from mover.engine.journal import Journal, Line, Proof
from mover.engine.landing import Landing
from mover.engine.large import LargeFiles
from mover.engine.planned import Planned, line_of
from mover.engine.progress import Active, Progress
from mover.engine.settings import RunSettings
from mover.engine.side import LinkLost, Side
from mover.engine.verify import check_source, comparable, needed, read_digests
from mover.net.pace import Bandwidth
from mover.spool.kept import Kept
from mover.spool.spool import Spool


class Transfer:
    """Copies planned files, each whole or not at all, and journals how it went."""

    def __init__(
        self,
        source: Side,
        destination: Side,
        spool: Spool,
        journal: Journal,
        settings: RunSettings,
        progress: Progress,
        bandwidth: Bandwidth,
        run: str,
        mark: str | None = None,
    ) -> None:
        self._source = source
        self._destination = destination
        self._spool = spool
        self._journal = journal
        self._settings = settings
        self._progress = progress
        self._bandwidth = bandwidth
        self._run = run
        self._mark = mark
        self._numbers = count()
        self.suspects: dict[ItemId, str] = {}
        """Folders at the destination, by id, in which an attempt broke off: something unfinished may lie there."""
        self._large = LargeFiles(source, destination, spool, journal, settings, bandwidth, run, mark)

    def is_large(self, planned: Planned) -> bool:
        """Whether the file takes the way of the large ones: in ranges and parts, with its own place among them."""
        size = planned.source.size
        return size is None or size > self._settings.small

    async def __call__(self, planned: Planned) -> None:
        """Copy one file. Every end but a lost link is an entry in the journal.

        Raises:
            LinkLost: one of the connections is gone; the file stays planned.
        """
        # A file that is there before its plan is durable would, after a crash, be taken for one that was there already, without proof.
        await self._journal.kept(planned.key)
        attempts = Attempts(self._journal, planned, self._progress)
        number = next(self._numbers)
        active = self._progress.active[number] = Active(planned.path, planned.source.size)
        try:
            line = await self._copied(planned, attempts, active)
        except (SpoolFull, SpoolFailed) as problem:
            raise LinkLost(problem) from problem
        except MoverError as problem:
            state = State.UNFIT if isinstance(problem, Unfit) else State.FAILED
            line = line_of(planned, state, code=problem.code, detail=problem.detail, attempts=attempts.failed)
        finally:
            del self._progress.active[number]
            if attempts.failed and planned.folder.id is not None:
                self.suspects[planned.folder.id] = planned.folder.path
        self._progress.items[line.state] += 1
        if line.state is State.COPIED:
            self._progress.copied_bytes += line.size or 0
        self._journal.write(line)
        await self._journal.settled()

    async def _copied(self, planned: Planned, attempts: Attempts, active: Active) -> Line:
        if planned.why == "check" and (proof := await self._already_there(planned, attempts)) is not None:
            return line_of(planned, State.SAME, proof=proof)
        if self.is_large(planned):
            entry, proof = await self._large.copy(planned, attempts, active, self._progress)
        else:
            entry, proof = await self._small(planned, attempts, active)
        return line_of(planned, State.COPIED, entry=entry, attempts=attempts.failed + 1, proof=proof)

    async def _small(self, planned: Planned, attempts: Attempts, active: Active) -> tuple[Entry, Proof]:
        reading = Reading(planned.source)
        kept = await self._fetched(planned, reading, active, attempts)
        landing = Landing(self._destination, self._settings.verify)
        try:
            folder = await planned.folder.ensure()
            attributes = attributes_of(reading.entry, self._mark)

            async def send() -> Proof:
                body = await kept.body()
                written = await self._destination.connector.write(folder, planned.name, body, attributes)
                return await landing.proved(written, kept.size, kept.digests)

            return reading.entry, await self._destination.call(send, attempts)
        except MoverError:
            await landing.clear()
            raise
        finally:
            kept.release()

    async def _fetched(self, planned: Planned, reading: Reading, active: Active, attempts: Attempts) -> Kept:
        """The file in the spool, and what the source says of it found true. A damaged one is fetched again."""
        for last in (False, False, True):
            data = await self._source.call(lambda: self._read(planned, reading), attempts)
            active.moved = len(data)
            self._progress.bytes_moved += len(data)
            # Not within the call: whoever waits for the spool must not hold the turn that those who could empty it need.
            await self._bandwidth.take(len(data))
            algorithms = needed(reading.entry, self._destination, len(data), self._settings.verify)
            kept = await self._spool.keep(data, context_of(self._run, planned), algorithms)
            try:
                check_source(kept.digests, reading.entry)
            except Damaged as problem:
                kept.release()
                attempts(problem)
                if last:
                    raise
            else:
                return kept
        raise RuntimeError("not reached: the last attempt returns or raises")

    async def _read(self, planned: Planned, reading: Reading) -> bytes:
        try:
            async with self._source.connector.read(reading.entry) as body:
                data = body.whole
                if data is None:
                    data = b"".join([chunk async for chunk in body.chunks()])
                entry = body.entry
        except Changed:
            reading.entry = await fresh(self._source, reading.entry)
            raise
        if entry.size is not None and entry.size != len(data):
            raise Damaged(f"{entry.size} bytes were announced, but {len(data)} arrived", item=planned.path)
        reading.entry = merged(planned.source, entry, len(data))
        return data

    async def _already_there(self, planned: Planned, attempts: Attempts) -> Proof | None:
        """The proof that a file which was there already is the same, or `None` if it is not."""
        there, entry = planned.there, planned.source
        if there is None:
            return None
        algorithm = comparable(entry)
        source, destination = self._source, self._destination
        (mine,) = await source.call(lambda: read_digests(source, entry, entry.size, [algorithm]), attempts)
        try:
            (theirs,) = await destination.call(
                lambda: read_digests(destination, there, entry.size, [algorithm]), attempts
            )
        except ItemError:
            return None
        return Proof("read-back", mine.algorithm, mine.hex, theirs.hex) if mine.value == theirs.value else None
