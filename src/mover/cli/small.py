"""Running what is soon done."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_small(work: Coroutine[Any, Any, T]) -> T:
    """Run it on an event loop of its own; Ctrl-C ends it."""
    import asyncio

    return asyncio.run(work)
