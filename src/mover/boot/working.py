"""Working on a run: begun or resumed, its end kept, and what that means for whoever asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

import msgspec

from mover.boot.addresses import end_of, must_not_lack_its_colon
from mover.boot.connections import Connections
from mover.boot.copying import Copy, copy
from mover.boot.home import Home
from mover.boot.run_folder import RunFolder, Standing, journal_of
from mover.boot.runs import Runs
from mover.boot.telling import TellingJournal
from mover.boot.wanted import Wanted
from mover.core.clock import Clock, SystemClock
from mover.core.errors import BadAddress, LinkError, MoverError, NotFound, UsageError
from mover.core.secret import Secret
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.ending import Ending
from mover.engine.journal import Attempt, Line
from mover.engine.progress import Progress
from mover.engine.side import LinkLost
from mover.runner.ends import End

INTERRUPTED: Final = 130
NOTHING: Final = 9
FAILED_ITEMS: Final = 3
UNFIT_ITEMS: Final = 6
STOPPED: Final = 1

Counts = Mapping[State, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of working on a run. `run` is `None` for a plan only. `counts` are items and bytes by state, over all passes."""

    run: int | None
    standing: Standing
    counts: Counts
    progress: Progress
    exit_code: int


@dataclass(slots=True)
class Watch:
    """What whoever watches gets: counts while it works, and a way to steer it."""

    control: Control
    progress: Progress
    opened: Callable[[End, End], None] = lambda _source, _destination: None
    begun: Callable[[int, bool], None] = lambda _number, _again: None
    settled: Callable[[Line], None] | None = None
    failed: Callable[[Attempt], None] | None = None


class Worker:
    """Begins and resumes the runs of one user."""

    def __init__(self, home: Home, clock: Clock | None = None) -> None:
        self.home = home.made()
        self.runs = Runs(self.home)
        self.connections = Connections(self.home)
        self._clock = clock or SystemClock()

    def ends(self, wanted: Wanted) -> tuple[End, End]:
        """Both ends of a copy. Raises as `end_of`; and `BadAddress` if one lies in the other."""
        source = end_of(wanted.source, self.connections)
        destination = end_of(wanted.destination, self.connections)
        _refuse_nested(source, destination)
        return source, destination

    async def start(self, wanted: Wanted, watch: Watch) -> Outcome:
        """Copy. If the very same copy was not finished, that run goes on; else a new one begins.

        Raises:
            MoverError: it cannot begin.
        """
        wanted = self._settled(wanted)
        self.ends(wanted)
        run, again = self.runs.claimed(wanted, self._clock.now())
        return await self._work(run, wanted, watch, again=again)

    async def resume(self, number: int, watch: Watch) -> Outcome:
        """Go on with a run, or go over it once more if it is done. Raises `UnknownRun`, `RunBusy`, or as `start`."""
        run = self.runs.get(number)
        return await self._work(run, run.wanted(), watch, again=True)

    async def plan(self, wanted: Wanted, journal: TellingJournal, watch: Watch, *, prove: bool = False) -> Outcome:
        """The plan of a copy, into `journal`; nothing is written anywhere else.

        With `prove`, and `verify` "full", files of equal size are read on both sides.
        """
        wanted = replace(self._settled(wanted), settings=replace(wanted.settings, dry_run=True))
        ends = self.ends(wanted)
        watch.opened(*ends)
        now = self._clock.now()
        what = Copy("plan", *ends, wanted.settings, wanted.filters.filter_at(now), prove)
        ending = await self._passed(what, journal, watch)
        standing = _after(ending, watch.progress, now, passes=1, plan_only=True)
        counts = journal.counts()
        return Outcome(None, standing, counts, watch.progress, _exit_code(standing, counts))

    def plan_journal(self) -> AbstractContextManager[TellingJournal]:
        """A journal in memory, for a plan."""
        return journal_of(None, self.connections.vault(), "plan")

    def _settled(self, wanted: Wanted) -> Wanted:
        """The same from anywhere; a forgotten colon can be told only before that."""
        for place in (wanted.source, wanted.destination):
            must_not_lack_its_colon(place, self.connections)
        return wanted.settled()

    async def _work(self, run: RunFolder, wanted: Wanted, watch: Watch, *, again: bool) -> Outcome:
        with run.working():
            now = run.record().now
            if again:
                run.keep(wanted, now)
            began = self._clock.now()
            before = run.standing()
            run.stand(Standing("running", began, passes=before.passes + 1, seconds=before.seconds))
            watch.begun(run.number, again)
            with run.journal() as journal:
                try:
                    ends = self.ends(wanted)
                    watch.opened(*ends)
                    what = Copy(str(run.number), *ends, wanted.settings, wanted.filters.filter_at(now))
                    standing = _after(
                        await self._passed(what, journal, watch), watch.progress, began, passes=before.passes + 1
                    )
                except BaseException as problem:
                    if not again and isinstance(problem, UsageError | NotFound) and not any(journal.counts()):
                        run.remove()
                        raise
                    run.stand(_broken(problem, before, began, self._clock.now()))
                    raise
                counts = journal.counts()
            code = _exit_code(standing, counts)
            standing = msgspec.structs.replace(
                standing,
                exit_code=code,
                seconds=before.seconds + standing.seconds,
                updated=self._clock.now(),
                failed=counts.get(State.FAILED, (0, 0))[0],
                unfit=counts.get(State.UNFIT, (0, 0))[0],
            )
            run.stand(standing)
            if code == 0 and standing.state == "done":
                run.forget_secrets()
        return Outcome(run.number, standing, counts, watch.progress, code)

    async def _passed(self, what: Copy, journal: TellingJournal, watch: Watch) -> Ending:
        journal.tell, journal.tell_attempt = watch.settled, watch.failed
        try:
            return await copy(
                what,
                journal,
                self.home.spool,
                self.home.quota,
                self._clock,
                control=watch.control,
                progress=watch.progress,
            )
        except LinkLost as lost:
            return Ending("paused", lost.problem.detail, lost.problem)
        except LinkError as problem:
            return Ending("paused", problem.detail, problem)


def _after(ending: Ending, progress: Progress, began: datetime, *, passes: int, plan_only: bool = False) -> Standing:
    now = datetime.now(UTC)
    problem = ending.problem
    whole = ending.state == "done"
    return Standing(
        ending.state,
        now,
        ending.reason,
        None if problem is None else problem.code,
        None if problem is None else problem.advice,
        None if problem is None else problem.exit_code,
        passes,
        progress.found if whole else None,
        _accounted(progress, plan_only=plan_only) if whole else None,
        (now - began).total_seconds(),
        plan_only,
    )


def _broken(problem: BaseException, before: Standing, began: datetime, now: datetime) -> Standing:
    """How a run stands that something broke through: a person who stopped it at once, or a fault."""
    standing = Standing("failed", now, passes=before.passes + 1, seconds=before.seconds + (now - began).total_seconds())
    if isinstance(problem, MoverError):
        return msgspec.structs.replace(
            standing, reason=problem.detail, code=problem.code, advice=problem.advice, exit_code=problem.exit_code
        )
    if isinstance(problem, Exception):
        of_machine = isinstance(problem, OSError | sqlite3.Error)
        reason = f"on this machine: {problem}" if of_machine else type(problem).__name__
        code = STOPPED if of_machine else MoverError.exit_code
        return msgspec.structs.replace(standing, reason=reason, code="internal", exit_code=code)
    return msgspec.structs.replace(standing, state="paused", reason="stopped at once", exit_code=INTERRUPTED)


def _accounted(progress: Progress, *, plan_only: bool) -> int:
    """Items that have their last state; in a plan, being planned is one."""
    return progress.settled + (progress.planned + progress.items[State.PLANNED] if plan_only else 0)


def _exit_code(standing: Standing, counts: Counts) -> int:
    if standing.state != "done":
        return standing.exit_code or INTERRUPTED
    if counts.get(State.FAILED):
        return FAILED_ITEMS
    return UNFIT_ITEMS if counts.get(State.UNFIT) else 0


def _refuse_nested(source: End, destination: End) -> None:
    """A copy into its own source would find what it writes."""
    (of_source, inner), (of_destination, outer) = _place(source), _place(destination)
    if of_source == of_destination and (inner == outer or inner in outer.parents):
        raise BadAddress(
            f"{destination.address} lies in {source.address}: a copy would find what it writes", item="destination"
        )


def _place(end: End) -> tuple[object, PurePosixPath]:
    options = {name: value for name, value in end.options.items() if not isinstance(value, Secret)}
    key = end.options.spec.key
    if key == "local":
        return key, PurePosixPath(str(options["path"]), end.path)
    return (key, options), PurePosixPath("/", end.path)
