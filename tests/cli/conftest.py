"""The command, for every test of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.command import Command


@pytest.fixture
def mover(tmp_path: Path) -> Command:
    """The real command with a home of its own."""
    return Command(tmp_path)
