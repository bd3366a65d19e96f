"""The second half of the demo: the service for many users. Its runner is killed in the middle of a migration, which ends complete."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from with_sites import Api, Service, Site, asked, up

Say = Callable[[str], None]

KILLED_AT = 300
"""Files that have arrived when the runner is killed."""


def service(folder: Path, source: Site, destination: Site, say: Say) -> None:
    """Show it. Everything lies below `folder`."""
    trusted = folder.with_name("trusted")
    trusted.mkdir()
    say("$ mover up")
    with up(folder) as running:
        for line in running.told:
            print(line, flush=True)
        say("$ mover user key ada          # and bob; each gets an API key of their own")
        ada, bob = running.user("ada"), running.user("bob")
        say(
            "ada saves two connections and makes a migration by the API; keys and passwords are sealed, nobody gets them back."
        )
        migration = _migration(ada, source, destination, trusted)
        run = ada.must("POST", f"/migrations/{migration}/runs", {})["id"]
        _watched(ada, running, run, say)
        say(f"GET /api/v1/runs/{run}: the report, every item accounted for")
        _report(ada, run)
        answer = bob("GET", f"/runs/{run}")
        say(f"bob asks for ada's run and gets {answer.status}: {answer.json['detail']}")


def _migration(api: Api, source: Site, destination: Site, trusted: Path) -> int:
    ends = [
        api.must("POST", "/connections", asked(source, "office", trusted))["id"],
        api.must("POST", "/connections", asked(destination, "archive", trusted))["id"],
    ]
    pairs = [{"source": "library", "destination": "third"}]
    wanted = {"name": "library", "source": ends[0], "destination": ends[1], "pairs": pairs}
    return api.must("POST", "/migrations", wanted)["id"]


def _watched(api: Api, running: Service, run: int, say: Say) -> None:
    """Live counts, and a kill -9 of the runner when a third has arrived."""
    killed, told = False, ""
    while (found := api.must("GET", f"/runs/{run}"))["state"] == "running":
        copied = found["counts"].get("copied", {"items": 0})["items"]
        line = f"  {found['found']:,} found, {copied:,} copied"
        if line != told:
            print(line, flush=True)
            told = line
        if not killed and copied > KILLED_AT:
            os.kill(running.runner_pid(), signal.SIGKILL)
            killed = True
            say("kill -9 of the runner. Another takes its place, and its work is leased again after 20 seconds.")
        time.sleep(0.5)
    if found["state"] != "done" or not killed:
        sys.exit(f"the migration did not end as it should: {found}")


def _report(api: Api, run: int) -> None:
    found: dict[str, Any] = api.must("GET", f"/runs/{run}")
    items = api.every(f"/runs/{run}/items")
    counts = {state: count["items"] for state, count in found["counts"].items()}
    print(f"  run {run}: {found['state']}; found {found['found']:,} = {counts}")
    for item in items[:3]:
        print(f"  {item['path']}: {item['state']}, proved by {(item['proof'] or {}).get('method')}")
    if found["found"] != len(items) or set(counts) - {"copied", "same"}:
        sys.exit("the report does not add up")
