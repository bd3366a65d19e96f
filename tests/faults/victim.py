"""A copy between two sites in a process of its own, to be killed: `python victim.py DESCRIPTION HOME`.

DESCRIPTION is a JSON file: for each end its connector, options and path; on request settings of the run, and with `dies` a method of the
journal in which the process kills itself. When it is done, it prints how the run ended and how many bytes came from the source.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
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
    """Work through one pass."""
    settings = replace(RunSettings(transfers=8), **told.get("settings", {}))
    what = Copy("1", end(told["source"]), end(told["destination"]), settings, Filter())
    if "dies" in told:
        setattr(LocalJournal, told["dies"], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    progress = Progress()
    with LocalJournal.open(home / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        ending = await copy(
            what, journal, home / "spool", 96 << 20, SystemClock(), control=Control(), progress=progress
        )
    sys.stdout.write(json.dumps({"state": ending.state, "reason": ending.reason, "bytes": progress.bytes_moved}))


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
