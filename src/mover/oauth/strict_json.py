"""JSON that two readers cannot read differently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Never, cast


def object_in(text: bytes) -> Mapping[str, Any] | None:
    """The object that a JSON text (RFC 8259) is; `None` if it is none, says a thing twice, or has numbers that are none."""
    try:
        found: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None  # and no cause: the library's error holds the text
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(_: str) -> Never:
    raise ValueError("no number")
