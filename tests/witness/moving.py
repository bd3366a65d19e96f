"""Mover as its users run it, from one place to another, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.sites.base import Site

from mover.boot.copying import Copy, copy
from mover.connectors.registry import spec
from mover.core.clock import Clock, SystemClock
from mover.core.options import Options, Value
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.ending import Ending
from mover.engine.filters import Filter
from mover.engine.journal import Line
from mover.engine.local_journal import LocalJournal
from mover.engine.progress import Progress
from mover.engine.settings import RunSettings
from mover.runner.ends import End

SPOOL: int = 256 << 20


@dataclass(frozen=True)
class Moved:
    """What came of a pass."""

    ending: Ending
    lines: dict[str, Line]
    counts: Mapping[State, tuple[int, int]]
    progress: Progress

    def must_add_up(self) -> None:
        """Every item found is in exactly one state, in the journal as on the display."""
        shown = {state: number for state, number in self.progress.items.items() if number}
        assert self.progress.found == sum(number for number, _ in self.counts.values())
        assert shown == {state: number for state, (number, _) in self.counts.items() if number}

    def not_done(self) -> dict[str, str]:
        """Every item that is neither copied nor the same, with its reason."""
        left = {p: line for p, line in self.lines.items() if line.state not in (State.COPIED, State.SAME)}
        return {path: f"{line.state.value}: {line.code}: {line.detail}" for path, line in left.items()}


async def move(
    source: End,
    destination: End,
    home: Path,
    *,
    settings: RunSettings | None = None,
    clock: Clock | None = None,
    control: Control | None = None,
    quota: int = SPOOL,
    spool: Path | None = None,
) -> Moved:
    """One pass; the journal and (without `spool`) the spool lie in `home`, so that another one with the same home goes on."""
    os.makedirs(home, exist_ok=True)  # noqa: PTH103  # a test waits for its disk
    progress = Progress()
    what = Copy("witness", source, destination, settings or RunSettings(), Filter())
    with LocalJournal.open(home / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        ending = await copy(
            what,
            journal,
            spool or home / "spool",
            quota,
            clock or SystemClock(),
            control=control or Control(),
            progress=progress,
        )
        await journal.flush()
        moved = Moved(ending, {line.path: line for line in journal.lines()}, journal.counts(), progress)
    assert not os.listdir(spool or home / "spool"), "something was left in the spool"  # noqa: PTH208  # a list
    return moved


def place(site: Site, path: str, **more: Value) -> End:
    """A folder of a site; `more` are options beside the site's own."""
    return End(Options(spec(site.connector), {**site.options, **more}), path, f"{site.connector}:{path}")


def local(folder: Path) -> End:
    """A folder on this machine."""
    return End(Options(spec("local"), {"path": str(folder.parent)}), folder.name, str(folder))
