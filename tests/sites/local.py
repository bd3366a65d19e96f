"""A folder of this machine."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from tests.sites.base import Site, site


@site
def local(folder: Path) -> Generator[Site]:
    """An empty folder."""
    root = folder / "root"
    root.mkdir()
    yield Site("local", {"path": str(root)}, {"type": "local"}, str(root), root)
