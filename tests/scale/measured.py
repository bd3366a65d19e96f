"""A run in a process of its own that tells its peak of memory: `python measured.py DESCRIPTION HOME`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Any

from mover.boot.copying import Copy, copy
from mover.connectors.registry import spec
from mover.core.clock import SystemClock
from mover.core.options import Options
from mover.engine.control import Control
from mover.engine.filters import Filter
from mover.engine.local_journal import LocalJournal
from mover.engine.progress import Progress
from mover.engine.settings import RunSettings
from mover.runner.ends import End


def end(told: dict[str, Any]) -> End:
    """An end from its description."""
    return End(Options(spec(told["connector"]), told["options"]), told["path"], told["connector"])


async def main(told: dict[str, Any], home: Path) -> None:
    """One pass; the journal is a file, as in a real run, so that the measure is of the engine and not of SQLite in memory."""
    settings = RunSettings(dry_run=told["dry_run"])
    what = Copy("1", end(told["source"]), end(told["destination"]), settings, Filter())
    progress = Progress()
    with LocalJournal.open(home / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        ending = await copy(
            what, journal, home / "spool", 256 << 20, SystemClock(), control=Control(), progress=progress
        )
    assert ending.state == "done", ending
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    counts = {state.value: number for state, number in progress.items.items()}
    sys.stdout.write(json.dumps({**counts, "found": progress.found, "planned": progress.planned, "peak": peak}))


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
