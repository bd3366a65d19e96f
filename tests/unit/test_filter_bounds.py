"""The bounds of a filter, on size and age, with rclone as the judge of what they mean."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mover.core.errors import BadOption
from mover.engine.filter_options import FilterOptions, moment_of, size_of
from mover.engine.filters import Filter

RCLONE = Path(sys.executable).with_name("rclone")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rclone(folder: Path, *arguments: str) -> set[str] | None:
    """What rclone lists below the folder; folders have a closing slash. `None` if it refuses the options."""
    done = subprocess.run(
        [RCLONE, "lsf", "-R", "--config", "", "--absolute", "--separator", "\t", str(folder), *arguments],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        return None
    return {p.removeprefix("/") for p in os.fsdecode(done.stdout).split("\n") if p}


SIZES = [
    "0",
    "1",
    "1k",
    "1K",
    "1Ki",
    "1KiB",
    "1.5k",
    "2b",
    "1024B",
    "1025B",
    "off",
    ".5k",
    "+1k",
    "1M",
    "5.",
    "1P",
    "2E",
]


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sized")
    for size in (0, 1, 2, 511, 512, 1023, 1024, 1025, 1536, 1 << 20):
        (folder / str(size)).write_bytes(bytes(size))
    return folder


@pytest.mark.parametrize("text", [*SIZES, "1KB", "-1", "", " 1k", "1kk", "0x10", "inf", "k", "."])
@pytest.mark.parametrize("option", ["min_size", "max_size"])
def test_sizes_mean_what_they_mean_to_rclone(sized: Path, option: str, text: str) -> None:
    theirs = rclone(sized, f"--{option.replace('_', '-')}", text)
    if theirs is None:
        with pytest.raises(BadOption, match=f"--{option.replace('_', '-')}"):
            size_of(text, f"--{option.replace('_', '-')}")
        return
    filter_ = Filter(**{option: size_of(text, option)})
    assert {p.name for p in sized.iterdir() if filter_.takes_file(p.name, p.stat().st_size)} == theirs


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    folder = tmp_path_factory.mktemp("aged")
    now = datetime.now(UTC)
    days = (0, 0.4, 0.9, 1.1, 1.4, 1.6, 6.9, 7.1, 13.9, 14.1, 29.9, 30.1, 30.9, 31.1, 364.9, 365.1, 366.1, 4000)
    for back in [d * 86400 for d in days] + [3000, 3700, 5300, 5500]:
        file = folder / f"{back:.0f}"
        file.touch()
        os.utime(file, (now.timestamp() - back, now.timestamp() - back))
    return folder, now


AGES = ["1000s", "90m", "1h", "1h30m", "1.5h", "1d", "1.5d", "1w", "2w", "1M", "1y", "86000", "off", ".5d", "3600000ms"]
DATES = [
    "2020-01-02T10:00:00Z",
    "2020-01-02T10:00:00+02:00",
    "2026-01-31",
    "2020-01-02 10:00:00",
    "2020-01-02T10:00:00",
]


@pytest.mark.parametrize("text", [*AGES, *DATES, "1d12h", "1D", "now", "5x", "", "2026-13-01", "2026-"])
@pytest.mark.parametrize("option", ["--min-age", "--max-age"])
def test_ages_mean_what_they_mean_to_rclone(aged: tuple[Path, datetime], option: str, text: str) -> None:
    folder, now = aged
    theirs = rclone(folder, option, text)
    if theirs is None:
        with pytest.raises(BadOption, match=option):
            moment_of(text, option, now)
        return
    moment = moment_of(text, option, now)
    filter_ = Filter(not_after=moment) if option == "--min-age" else Filter(not_before=moment)
    mine = {
        p.name
        for p in folder.iterdir()
        if filter_.takes_file(p.name, 0, datetime.fromtimestamp(p.stat().st_mtime, UTC))
    }
    assert mine == theirs


def test_bounds_take_what_lies_on_them() -> None:
    filter_ = Filter(min_size=10, max_size=20, not_before=NOW, not_after=NOW + timedelta(days=1))
    assert filter_.takes_file("a", 10, NOW)
    assert filter_.takes_file("a", 20, NOW + timedelta(days=1))
    assert filter_.reason("a", 9, NOW) == "smaller than 10 bytes"
    assert filter_.reason("a", 21, NOW) == "larger than 20 bytes"
    assert filter_.reason("a", 10, NOW - timedelta(seconds=1)) == "last changed before 2026-01-01 00:00:00 UTC"
    assert filter_.reason("a", 10, NOW + timedelta(days=2)) == "last changed after 2026-01-02 00:00:00 UTC"


def test_what_is_not_known() -> None:
    assert not Filter(min_size=0).takes_file("a", None), "as in rclone, where such a size is -1"
    assert Filter(max_size=0).takes_file("a", None)
    assert Filter(not_before=NOW, not_after=NOW).takes_file("a", 1, None), "nothing is left out on a guess"


@pytest.mark.parametrize(
    "options",
    [
        FilterOptions(min_size="2k", max_size="1k"),
        FilterOptions(min_age="2d", max_age="1d"),
        FilterOptions(max_age="9999999y"),
    ],
)
def test_bounds_that_leave_nothing_are_refused(options: FilterOptions) -> None:
    with pytest.raises(BadOption):
        options.filter_at(NOW)
