"""A confined child that copies: `python copying.py FOLDER DESCRIPTION`. DESCRIPTION is JSON: both ends, and which paths are local.

It is confined as `mover runner start` confines itself, before anything of a connector is loaded. It prints what became of the measures,
how the run ended, and what it saw of its own sockets.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from mover.boot.runner_process import Confinement, confined


def listening() -> list[str]:
    """Sockets of this process that wait for somebody (proc(5)): TCP that listens, UDP that is bound and not connected."""
    ours = {target for fd in Path("/proc/self/fd").iterdir() if (target := leads_to(fd)) is not None}
    found: list[str] = []
    for kind, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/self/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == state and f"socket:[{words[9]}]" in ours:
                found.append(f"{kind} {words[1]}")
    return found


def leads_to(fd: Path) -> str | None:
    try:
        return str(fd.readlink())
    except FileNotFoundError:  # the one by which the folder was listed
        return None


async def copied(folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """Work through one pass."""
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

    ends = [End(Options(spec(e["connector"]), e["options"]), e["path"], e["connector"]) for e in told["ends"]]
    progress, seen = Progress(), []

    async def look() -> None:
        while True:
            seen.extend(listening())
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    with LocalJournal.open(folder / "state" / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        what = Copy("1", *ends, RunSettings(transfers=4), Filter())
        ending = await copy(
            what, journal, folder / "spool", 64 << 20, SystemClock(), control=Control(), progress=progress
        )
    looking.cancel()
    return {"state": ending.state, "reason": ending.reason, "bytes": progress.bytes_moved, "listening": seen}


def main(folder: Path, told: dict[str, Any]) -> None:
    """See the module."""
    measures = confined(folder, Confinement([Path(p) for p in told["local_paths"]], must_hold=told["must_hold"]))
    done = asyncio.run(copied(folder, told))
    sys.stdout.write(json.dumps({**done, "measures": {m.name: m.holds for m in measures}, "user": os.getuid()}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
