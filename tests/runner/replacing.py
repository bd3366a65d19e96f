"""A confined child whose resolver files are replaced: `python replacing.py FOLDER`, in a view of the files of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from mover.boot import runner_process
from mover.runner.confinement.confine import confine
from mover.runner.confinement.readable import lost

HOSTS = Path("/etc/hosts")


async def watch() -> dict[str, object]:
    """Wait for the end that a runner would come to."""
    stops: list[str] = []
    runner_process.LOOK = 0.05  # type: ignore[misc]  # it is waited for
    async with asyncio.timeout(30):
        which = await runner_process.stopped_when_replaced(lambda: stops.append("stop"))
    return {"which": str(which), "stops": stops}


def main(folder: Path) -> None:
    """See the module."""
    ready, begin = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(begin, 0)  # what is inherited is closed, but for the standard ones
        confine(folder)
        before = [str(path) for path in lost()]
        os.write(0, b"x")
        sys.stdout.write(json.dumps({"before": before, **asyncio.run(watch())}))
        sys.stdout.flush()
        os._exit(0)
    os.read(ready, 1)
    new = HOSTS.with_name("hosts.new")
    new.write_text("127.0.0.1 localhost\n")
    new.chmod(0o644)
    new.replace(HOSTS)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
