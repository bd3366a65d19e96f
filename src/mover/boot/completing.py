"""Names that a shell completes: quickly read, without a vault, and nothing where a file cannot be read."""

from __future__ import annotations

import json
from typing import cast

from mover.boot.home import Home


def connection_names(home: Home) -> list[str]:
    """The names of the saved connections, in order."""
    try:
        kept: object = json.loads(home.connections.read_bytes())
    except (OSError, ValueError):
        return []
    found: object = cast("dict[str, object]", kept).get("connections") if isinstance(kept, dict) else None
    return sorted(cast("dict[str, object]", found)) if isinstance(found, dict) else []


def run_numbers(home: Home) -> list[str]:
    """The numbers of all runs, the latest first."""
    try:
        numbers = [int(folder.name) for folder in home.runs.iterdir() if folder.name.isdecimal()]
    except OSError:
        return []
    return [str(number) for number in sorted(numbers, reverse=True)]
