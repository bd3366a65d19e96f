"""A copy between two local folders in a process of its own, to be killed: `python victim.py SOURCE DESTINATION HOME`.

Every write that reached the destination is noted in HOME/written, one name a line, the moment it is done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from mover.boot.copying import Copy, copy
from mover.connectors.local.client import Local
from mover.connectors.registry import spec
from mover.core.clock import SystemClock
from mover.core.options import Options
from mover.engine.control import Control
from mover.engine.filters import Filter
from mover.engine.local_journal import LocalJournal
from mover.engine.progress import Progress
from mover.engine.settings import RunSettings
from mover.runner.ends import End


def note_writes(log: int) -> None:
    """Have the local connector tell of each file it put in place."""
    write, finish = Local.write, Local.finish

    async def noted_write(self: Local, *given: Any) -> Any:
        entry = await write(self, *given)
        os.write(log, f"{entry.name}\n".encode())
        return entry

    async def noted_finish(self: Local, *given: Any) -> Any:
        entry = await finish(self, *given)
        os.write(log, f"{entry.name}\n".encode())
        return entry

    Local.write, Local.finish = noted_write, noted_finish


async def main(source: str, destination: str, home: Path) -> None:
    note_writes(os.open(home / "written", os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    ends = [End(Options(spec("local"), {"path": path}), "", path) for path in (source, destination)]
    what = Copy("1", *ends, RunSettings(transfers=8), Filter())
    with LocalJournal.open(home / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        ending = await copy(
            what, journal, home / "spool", 64 << 20, SystemClock(), control=Control(), progress=Progress()
        )
        sys.stdout.write(ending.state)


asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
