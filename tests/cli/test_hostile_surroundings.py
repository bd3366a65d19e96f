"""What a machine, or somebody else on it, may do to a copy: closed streams, a full spool, a pipe where a file was, secrets as arguments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.command import MOVER

HOME = "MOVER_HOME"


def copy(home: Path, *words: str | Path, shell: str = "") -> subprocess.CompletedProcess[str]:
    """`mover copy`, by way of a shell that may close streams."""
    command = f'exec "$0" copy "$@" {shell}'
    environment = {**os.environ, HOME: str(home)}
    return subprocess.run(
        ["/bin/sh", "-c", command, str(MOVER), *map(str, words)],
        env=environment,
        text=True,
        check=False,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "f").write_text("content")
    return folder


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_fault(tmp_path: Path, source: Path, closed: str) -> None:
    assert copy(tmp_path / "home", source, tmp_path / "target", shell=closed).returncode == 0
    assert (tmp_path / "target" / "f").read_text() == "content"


def test_a_secret_is_never_an_argument(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = copy(home, "sftp://u@127.0.0.1:1/x", tmp_path / "target", "--source-option", "password=S3kr3t")
    assert done.returncode == 2  # wrong use
    assert "--source-secret" in done.stderr
    assert "S3kr3t" not in done.stderr
    assert [file for file in home.rglob("*") if file.is_file() and b"S3kr3t" in file.read_bytes()] == []


def test_the_journal_is_for_its_owner_only(tmp_path: Path, source: Path) -> None:
    copy(tmp_path / "home", source, tmp_path / "target")
    modes = {file.stat().st_mode & 0o077 for file in (tmp_path / "home" / "runs").rglob("*") if file.is_file()}
    assert modes == {0}
