"""Trees of files to be copied: hostile names in every folder shape, and real files of this machine."""

from __future__ import annotations

import os
import random
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from mover.core.spec import Limits

TWINS: Final = ("both forms \u00e9", "both forms e\u0301")
"""One name in both of Unicode's forms. A server that folds them into one cannot hold both."""

LONGEST: Final = ("x" * 251 + ".txt", "é" * 127, "🗂" * 63)
"""255, 254 and 252 bytes."""

NAMES: Final = (
    "plain.txt",
    "with space",
    " leading space",
    "trailing space ",
    ".leading dot",
    "..two leading dots",
    "trailing dot.",
    "composed \u00e9",  # NFC
    "decomposed e\u0301",  # NFD
    *TWINS,
    "emoji 🗂️ 👩‍👩‍👧",
    "single ' quote",
    'double " quote',
    "percent % %41 %2F %zz 100%",
    "plus + plus",
    "hash # hash",
    "question ? mark",
    "back\\slash",
    "colon : semicolon ;",
    "amp & lt < gt > &amp;",
    "star * pipe |",
    "brackets [x] {y} (z)",
    "dollar $HOME `id`",
    "comma , equals = at @ tilde ~ caret ^ bang !",
    "-rf",
    "Кириллица",
    "日本語のファイル",
    "עברית",
    *LONGEST,
)
SIZES: Final = (0, 1, 100, 4_096, 70_000)
LARGE: Final = 12_000_000
"""Bytes of the one file that goes in parts where the destination takes parts."""

Takes = Callable[[str], bool]


def takes(limits: Limits, *, never: tuple[str, ...] = ()) -> Takes:
    """Which of the names a destination can hold; `never` are names that this server or rclone refuses or changes."""

    def taken(name: str) -> bool:
        bad = set(name) & limits.forbidden or name[-1] in limits.bad_endings or name[0] in limits.bad_starts
        return not bad and name not in never

    return taken


def hostile_tree(folder: Path, seed: int, taken: Takes, *, files: int = 300, time_step: int = 1_000) -> int:
    """Make at least `files` files: each name as a file and as a folder, and some deep down; returns how many files.

    Times are multiples of `time_step` nanoseconds; Mover keeps whole microseconds.
    """
    chance = random.Random(seed)
    names = [name for name in NAMES if taken(name)]
    paths = [*names, *(f"folders/{name}/{other}" for name in names for other in chance.sample(names, files // 45))]
    paths += [f"{'deep/' * 40}leaf {n}" for n in range(3)]
    paths += [f"plain/{n % 7}/file-{n:03}" for n in range(max(0, files - len(paths)))]
    for number, path in enumerate(paths):
        size = LARGE if number == 0 else chance.choice(SIZES)
        _put(folder / path, chance.randbytes(size), chance, time_step)
    return len(paths)


def real_tree(folder: Path, count: int) -> int:
    """Copy at least `count` real files with their times: half from /usr/share, the rest from Python's libraries; returns how many."""
    paths = sysconfig.get_paths()
    copied = 0
    for place, most in (("/usr/share", count // 2), (paths["stdlib"], count), (paths["purelib"], count)):
        copied += _copy(Path(place), most - copied, folder)
    return copied


def _copy(place: Path, most: int, folder: Path) -> int:
    files = list(islice(_files(place), most))
    for file in files:
        target = folder / place.name / file.relative_to(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    return len(files)


def sum_of(folder: Path) -> int:
    """How many files there are."""
    return sum(len(files) for _, _, files in os.walk(folder))


def files_of(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its path."""
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def must_be_equal(one: Path, other: Path, *, within: float | None) -> None:
    """The same files, bytes and (unless `within` is None) times, `within` so many seconds, on both sides."""
    ours, theirs = files_of(one), files_of(other)
    assert sorted(ours) == sorted(theirs)
    for path, file in ours.items():
        assert file.read_bytes() == theirs[path].read_bytes(), path
        if within is not None:
            apart = abs(file.stat().st_mtime_ns - theirs[path].stat().st_mtime_ns) / 1e9
            assert apart <= within, f"{path}: the times are {apart} seconds apart"


def _files(place: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(place):
        folders.sort()
        for name in sorted(files):
            file = Path(folder, name)
            if not file.is_symlink() and file.stat().st_size < 2_000_000:
                yield file


def _put(file: Path, data: bytes, chance: random.Random, time_step: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    at = chance.randrange(1_000_000_000, 1_700_000_000) * 10**9 + chance.randrange(10**9) // time_step * time_step
    os.utime(file, ns=(at, at))
