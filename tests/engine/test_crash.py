"""The machine may stop at any moment; the same run goes on, and nothing is lost, damaged or forgotten."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from mover.core.states import State
from mover.engine.local_journal import LocalJournal

VICTIM = Path(__file__).with_name("victim.py")
HANDS = 8 + 4  # transfers of small files, and of large ones
FLUSHED = 150  # lines of two transactions, 20 ms each at some thousand files a second, that may not be on the disk when the process dies


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, VICTIM, tmp_path / "source", tmp_path / "destination", tmp_path / "home"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def made_tree(tmp_path: Path, files: int, seed: int) -> dict[str, bytes]:
    chance = random.Random(seed)
    content: dict[str, bytes] = {}
    for number in range(files):
        size = chance.choice([0, 1, 500, 4_096, 70_000]) if number % 97 else 9_000_000
        content[f"d{number % 7}/e{number % 3}/file-{number}"] = chance.randbytes(size)
    for path, data in content.items():
        file = tmp_path / "source" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    for name in ("destination", "home"):
        (tmp_path / name).mkdir()
    return content


def found(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def killed_until_done(tmp_path: Path, content: dict[str, bytes], kills: int, seed: int) -> None:
    chance = random.Random(seed)
    happened = 0
    while True:
        process = start(tmp_path)
        if happened < kills:
            time.sleep(0.3 + chance.random() * 1.2)
            process.kill()
        out, _ = process.communicate(timeout=240)
        if b"done" in out:
            break
        happened += 1
        assert happened <= kills, "the run failed by itself"
        partial = found(tmp_path / "destination")
        for path, data in partial.items():
            if ".mover-" not in path:
                assert content[path] == data, f"{path} was visible before it was whole"
    check(tmp_path, content, happened)


def check(tmp_path: Path, content: dict[str, bytes], kills: int) -> None:
    assert found(tmp_path / "destination") == content
    with LocalJournal.open(tmp_path / "home" / "journal", seal=str.encode, unseal=bytes.decode) as journal:
        counts = journal.counts()
    assert counts == {State.COPIED: (len(content), sum(map(len, content.values())))}
    written = Counter((tmp_path / "home" / "written").read_text().split())
    assert set(written) == {Path(path).name for path in content}
    repeated = sum(n - 1 for n in written.values())
    assert repeated <= kills * (HANDS + FLUSHED)
    assert list((tmp_path / "home" / "spool").iterdir()) == []


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    killed_until_done(tmp_path, made_tree(tmp_path, 1_500, seed=1), kills=6, seed=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_killed_at_a_hundred_random_moments_goes_on(tmp_path: Path) -> None:
    for round_ in range(10):
        folder = tmp_path / str(round_)
        folder.mkdir()
        killed_until_done(folder, made_tree(folder, 3_000, seed=round_), kills=10, seed=round_)
