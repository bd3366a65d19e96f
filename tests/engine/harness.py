"""A run in a test: two connectors, a spool, a journal, and what came of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.clock import VirtualClock

from mover.connectors._kit.bodies import BytesDownload
from mover.connectors.registry import spec
from mover.core.connector import Connector
from mover.core.model import Attributes, Entry, Kind
from mover.core.spec import Limits, Spec
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.ending import Ending
from mover.engine.filters import Filter
from mover.engine.journal import Line
from mover.engine.local_journal import LocalJournal
from mover.engine.progress import Progress
from mover.engine.run import Run
from mover.engine.settings import RunSettings
from mover.engine.side import Side, listing
from mover.net.pace import Pace, Retries
from mover.spool.spool import Spool


@dataclass
class Result:
    """What came of a run. `spool_left` is what the spool still held at the end, in bytes."""

    ending: Ending
    lines: dict[str, Line]
    counts: Mapping[State, tuple[int, int]]
    progress: Progress
    spool_left: int
    slept: float
    attempts: dict[str, list[str]] = field(default_factory=dict)

    def state(self, path: str) -> State:
        return self.lines[path].state

    def must_add_up(self) -> None:
        """Every item found is in exactly one state, in the journal as on the display."""
        assert self.progress.found == sum(number for number, _ in self.counts.values())
        assert {s: n for s, n in self.progress.items.items() if n} == {s: n for s, (n, _) in self.counts.items()}
        assert self.spool_left == 0


async def run(
    source: Connector,
    destination: Connector,
    *,
    journal: Path | None = None,
    settings: RunSettings | None = None,
    filters: Filter | None = None,
    limits: Limits | None = None,
    control: Control | None = None,
    retries: Retries | None = None,
    specs: tuple[Spec, Spec] | None = None,
    quota: int = 256 << 20,
    turns: tuple[int, int] = (32, 32),
    clock: VirtualClock | None = None,
) -> Result:
    """One pass from root to root, on a virtual clock. `turns` are the calls at once at the source and at the destination."""
    clock = clock or VirtualClock()
    progress = Progress()
    mine, theirs = specs or (spec("memory"), spec("memory"))
    if limits is not None:
        theirs = replace(theirs, limits=limits)
    with tempfile.TemporaryDirectory() as folder:
        async with Spool.open(Path(folder, "spool"), quota=quota) as spool:
            with LocalJournal.open(journal, seal=str.encode, unseal=bytes.decode) as kept:
                kept.begin_pass()
                sides = [
                    Side(c, s, await c.root(), Pace(clock, at_most=n), clock, retries or Retries())
                    for c, s, n in ((source, mine, turns[0]), (destination, theirs, turns[1]))
                ]
                work = Run(
                    *sides,
                    spool,
                    kept,
                    settings or RunSettings(),
                    filters=filters or Filter(),
                    control=control or Control(),
                    progress=progress,
                    name="test",
                    mark=kept.mark(),
                )
                ending = await work.go()
                lines = {line.path: line for line in kept.lines()}
                attempts = {path: [code for _, code, _ in kept.attempts((path, ""))] for path in lines}
                return Result(ending, lines, kept.counts(), progress, await _left(spool), clock.monotonic(), attempts)


async def _left(spool: Spool) -> int:
    """What the spool still holds once the threads that were reading it are done."""
    for _ in range(200):
        if not spool.used:
            break
        await asyncio.sleep(0.01)
    return spool.used


async def fill(connector: Connector, files: Mapping[str, bytes], attributes: Attributes | None = None) -> None:
    """Put files, with the folders they need, into a connection."""
    folders: dict[str, Entry] = {"": await connector.root()}
    for path, data in files.items():
        *above, name = path.split("/")
        at = ""
        for part in above:
            below = f"{at}/{part}" if at else part
            if below not in folders:
                folders[below] = await connector.make_folder(folders[at].id, part)
            at = below
        if name:
            body = BytesDownload(folders[""], data)
            await connector.write(folders[at].id, name, body, attributes or Attributes())


async def tree(connector: Connector) -> dict[str, bytes | None]:
    """Everything in a connection: the bytes of files, `None` for folders."""
    clock = VirtualClock()
    root = await connector.root()
    side = Side(connector, spec("memory"), root, Pace(clock), clock)
    found: dict[str, bytes | None] = {}
    waiting = [("", root)]
    while waiting:
        path, at = waiting.pop()
        for entry in await listing(side, at.id):
            below = f"{path}/{entry.name}" if path else entry.name
            if entry.kind is Kind.FOLDER:
                found[below] = None
                waiting.append((below, entry))
            else:
                async with connector.read(entry) as body:
                    found[below] = body.whole or b"".join([chunk async for chunk in body.chunks()])
    return found
