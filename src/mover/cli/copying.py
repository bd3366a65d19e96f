"""What `mover copy` and `mover run resume` do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mover.boot.home import home
from mover.boot.wanted import Wanted
from mover.boot.working import NOTHING, Outcome, Watch, Worker
from mover.cli.filtering import filters_of
from mover.cli.interrupts import to_the_end
from mover.cli.output import Format, say
from mover.cli.places import asked
from mover.cli.progress import Display
from mover.cli.results import must_be_writable, print_outcome, print_plan, told, write_report
from mover.cli.wire import hear
from mover.core.spec import Channel
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.filter_options import size_of
from mover.engine.progress import Progress
from mover.engine.settings import RunSettings
from mover.runner.ends import End


def run_copy(said: dict[str, Any]) -> int:
    """Work as the options of `mover copy` say; the exit code."""
    wanted = wanted_of(said)
    worker = Worker(home())
    if wanted.settings.dry_run:
        return _planned(worker, wanted, said)
    return worked(lambda watch: worker.start(wanted, watch), worker, said)


def wanted_of(said: dict[str, Any]) -> Wanted:
    """What the options of `mover copy` ask for. Raises `BadOption`."""
    settings = RunSettings(
        verify=said["verify"],
        compare=said["compare"],
        existing=said["existing"],
        names=said["names"],
        links=said["links"],
        dry_run=said["dry_run"],
        transfers=said["transfers"],
        bytes_per_second=size_of(said["bwlimit"], "--bwlimit") or None,
    )
    return Wanted(asked("source", said), asked("destination", said), settings, filters_of(said))


def worked(work: Callable[[Watch], Awaitable[Outcome]], worker: Worker, said: dict[str, Any]) -> int:
    """Work on a run while its progress is shown, then say what came of it; the exit code."""
    report: Path | None = said["report"]
    if report is not None:
        must_be_writable(report)
    outcome = _watched(work, said)
    form: Format = said["form"]
    code = outcome.exit_code
    if code == 0 and said["error_on_nothing"] and not outcome.progress.items[State.COPIED]:
        code = NOTHING
    print_outcome(outcome, form, code, quiet=said["quiet"])
    if outcome.run is not None and report is not None:
        write_report(worker.runs.get(outcome.run), report)
    return code


def _planned(worker: Worker, wanted: Wanted, said: dict[str, Any]) -> int:
    with worker.plan_journal() as journal:
        outcome = _watched(lambda watch: worker.plan(wanted, journal, watch), said)
        code = outcome.exit_code
        if code == 0 and said["error_on_nothing"] and not outcome.counts.get(State.PLANNED):
            code = NOTHING
        print_plan(outcome, journal, said["form"], code)
        return code


def _watched(work: Callable[[Watch], Awaitable[Outcome]], said: dict[str, Any]) -> Outcome:
    quiet = bool(said["quiet"])

    def opened(source: End, destination: End) -> None:
        for end in (source, destination):
            if end.options.channel is Channel.NONE:
                say(f"warning: {end.address} is not encrypted")

    def begun(number: int, again: bool) -> None:  # a callback
        say(f"run {number} goes on where it stopped" if again else f"run {number}", quiet=quiet)

    watch = Watch(Control(), Progress(), opened, begun)
    if said["verbose"]:
        watch.settled = lambda line: _mention(told(line))
    hear(said["verbose"])
    if said["verbose"] > 1:
        watch.failed = lambda attempt: _mention(f"attempt failed: {attempt.path}: {attempt.code}: {attempt.detail}")

    async def all_of_it() -> Outcome:
        async with Display(watch.progress, wanted=said["progress"] and not quiet):
            return await to_the_end(work(watch), watch.control)

    return run_loop(all_of_it)


def _mention(text: str) -> None:
    """Say it to whoever listens: that nobody reads on is no reason to stop a copy."""
    with suppress(BrokenPipeError):
        say(text)


def run_loop(work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Run on uvloop."""
    import uvloop

    async def main() -> Outcome:
        return await work()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
