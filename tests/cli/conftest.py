"""The command, for every test of this folder."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.cli.command import Command


@pytest.fixture
def mover(tmp_path: Path) -> Generator[Command]:
    """The real command with a home of its own."""
    command = Command(tmp_path)
    yield command
    command.close()
