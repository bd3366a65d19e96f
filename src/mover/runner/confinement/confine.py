"""Confines this process, and says what holds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from mover.core.errors import WrongState
from mover.runner.confinement import landlock, seccomp
from mover.runner.confinement.filter import REFUSED, UNKNOWN
from mover.runner.confinement.measure import Measure
from mover.runner.confinement.privileges import SPOOL, STATE, dropped
from mover.runner.confinement.process import no_dumps, no_new_rights, nothing_inherited, private_files
from mover.runner.confinement.readable import rules

EVERYTHING: Final = Path("/")
"""As a local path: all of this machine."""


class NotConfined(WrongState):
    """The runner was to start only if everything that confines it holds."""

    advice = "Mend what is named (docs/runners.md says how), or start without --require-hardening."


def confine(folder: Path, *, local_paths: Sequence[Path] = ()) -> tuple[Measure, ...]:
    """Give up what a runner does not need, for good; what each step came to, in a fixed order. What a kernel lacks is told.

    `folder` is the runner's own, and must be there: of it, `state` and `spool` stay usable. `local_paths` stay usable as the user may
    use them; with `EVERYTHING` among them files are not confined at all, and root stays root.

    To be called once, before there are threads (so before numpy or an event loop is loaded): Landlock holds the thread that asks for it
    and those that it starts.

    Raises:
        OSError: the runner's folders cannot be made.
    """
    everything = EVERYTHING in local_paths
    found = [
        private_files(),
        nothing_inherited(),
        dropped(folder, everything=everything),
        _tried("memory", no_dumps),
        _tried("new rights", no_new_rights),
    ]
    written = (folder / STATE, folder / SPOOL)
    kept = None if everything else tuple(rules(written, tuple(local_paths)))
    problem = _problem(lambda: landlock.restricted(kept))
    if not everything:
        tempfile.tempdir = str(folder / STATE)  # libraries that look for others with `ctypes.util` want such a folder
    level = 0 if problem else landlock.level()
    filtering = _problem(seccomp.filtered)
    found.append(_files(level, problem, local_paths))
    found.append(_network(level, filtered=not filtering))
    found.append(_signals(level, problem))
    found.append(_calls(filtering))
    return tuple(found)


def must_hold(measures: Iterable[Measure]) -> None:
    """Nothing, if all of them hold.

    Raises:
        NotConfined: one does not, or not in full.
    """
    if open_still := [f"{m.name} ({m.why})" for m in measures if m.holds != "yes"]:
        raise NotConfined(f"this runner is not confined: {'; '.join(open_still)}")


def offered() -> tuple[Measure, ...]:
    """What this kernel has to confine a runner with. Nothing is changed."""
    try:
        level, problem = landlock.level(), ""
    except OSError as refused:
        level, problem = 0, refused.strerror or ""
    filters = seccomp.available()
    missing = "" if filters else "this kernel or kind of processor has no filters that Mover knows"
    return (_files(level, problem, ()), _network(level, filtered=filters), _signals(level, problem), _calls(missing))


def _tried(name: str, step: Callable[[], Measure]) -> Measure:
    try:
        return step()
    except OSError as problem:
        return Measure(name, "no", f"{problem.strerror}: {problem.filename}")


def _problem(step: Callable[[], None]) -> str:
    try:
        step()
    except OSError as problem:
        return f"{problem.strerror}"
    return ""


def _files(level: int, problem: str, local_paths: Sequence[Path]) -> Measure:
    name = "files"
    if EVERYTHING in local_paths:
        return Measure(name, "no", "local paths are allowed")
    if not level:
        return Measure(name, "no", problem or "this kernel has no Landlock (Linux 5.13), or it is switched off")
    what = f"libraries, authorities and its own folder only (Landlock {level})"
    if local_paths:
        what = f"{what}, and as asked {', '.join(map(str, local_paths))}"
    if level < landlock.FILES:
        return Measure(name, "partly", f"{what}; files elsewhere can still be cut short (Linux 6.2 guards that)")
    return Measure(name, "yes", what)


def _network(level: int, *, filtered: bool) -> Measure:
    name = "listening"
    if filtered and level >= landlock.PORTS:
        return Measure(name, "yes", "binds no TCP port, listens and answers to nobody")
    if filtered:
        return Measure(name, "partly", "listens and answers to nobody, but may bind a port (Linux 6.7 guards that)")
    if level >= landlock.PORTS:
        return Measure(name, "partly", "binds no TCP port, but calls to listen are not refused")
    return Measure(name, "no", "neither ports nor calls are guarded")


def _signals(level: int, problem: str) -> Measure:
    name = "signals"
    if level >= landlock.SIGNALS:
        return Measure(name, "yes", "none to other programs, nor their abstract sockets")
    return Measure(name, "no", problem or "can be sent to processes of the same user (Linux 6.12 guards that)")


def _calls(problem: str) -> Measure:
    name = "system calls"
    if problem:
        return Measure(name, "no", problem)
    what = f"{len(REFUSED) + len(UNKNOWN)} refused: other programs, other processes, mounts, namespaces, the kernel"
    return Measure(name, "yes", what)
