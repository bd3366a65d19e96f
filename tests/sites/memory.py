"""The memory connector: nothing to start."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from tests.sites.base import Site, site


@site
def memory(folder: Path) -> Generator[Site]:
    """An account in this process."""
    yield Site("memory", {})
