"""A file system in memory with little room.

It needs root and the right to mount; elsewhere its tests are skipped, unless MOVER_MUST_RUN names `small-disk`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.running import MUST_RUN


@contextmanager
def small_disk(folder: Path, size: int) -> Generator[Path]:
    """A new folder with room for `size` bytes."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        if MUST_RUN & {"small-disk", "all"}:
            raise AssertionError(f"small-disk must run here: {mounted.stderr}")
        pytest.skip(f"small-disk: a file system cannot be mounted here (needs root): {mounted.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def make_room(disk: Path) -> None:
    """Let the file system grow to 64 MiB."""
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
