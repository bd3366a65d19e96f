"""What is printed, piece by piece."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.clock import VirtualClock

from mover.boot.reports import totals_of
from mover.boot.run_folder import Standing
from mover.cli.output import safe, size_text
from mover.cli.progress import Display, Rate, duration, line_of
from mover.core.states import State
from mover.engine.progress import Progress


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain ü 東", "plain ü 東"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\u202eexe", "\\u202eexe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_nothing_that_is_printed_steers_a_terminal(raw: str, shown: str):
    assert safe(raw) == shown
    assert safe(raw).encode()


def test_sizes_and_times_for_people():
    assert [size_text(n) for n in (None, 0, 1023, 1024, 3 << 30)] == ["?", "0 B", "1023 B", "1.0 KiB", "3.0 GiB"]
    assert [duration(n) for n in (5, 600, 7300)] == ["5 s", "10 min", "2 h 2 min"]


def test_the_rate_is_a_mean_over_the_last_while():
    rate = Rate()
    assert rate.at(0, 0) == 0
    assert rate.at(10, 1000) == 100
    assert rate.at(40, 1000) == 0


def test_the_line_of_progress():
    progress = Progress(found=10, planned=5, planned_bytes=4096, copied_bytes=1024, scanned=True)
    progress.items[State.COPIED] = 2
    progress.items[State.FAILED] = 1
    line = line_of(progress, 1024.0)
    assert line == "3 of 10 items, 1.0 KiB of 4.0 KiB, 1.0 KiB/s, about 3 s left, 1 failed"


@pytest.mark.anyio
async def test_a_line_every_30_seconds_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    progress, clock = Progress(found=4, planned=4, planned_bytes=4 << 20), VirtualClock()
    async with Display(progress, wanted=True, clock=clock):
        for second in range(95):
            progress.bytes_moved = progress.copied_bytes = second << 15
            await clock.sleep(1)
            if second == 28:
                assert capsys.readouterr().err == ""
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(", ")[0] for line in lines] == [
        "0 of 4+ items, 960.0 KiB of 4.0 MiB",
        "0 of 4+ items, 1.9 MiB of 4.0 MiB",
        "0 of 4+ items, 2.8 MiB of 4.0 MiB",
    ]
    assert {line.rpartition(", ")[2] for line in lines} <= {"32.0 KiB/s", "32.3 KiB/s"}


@pytest.mark.anyio
@pytest.mark.parametrize("wanted", [True, False])
async def test_no_line_before_its_time_or_unasked(capsys: pytest.CaptureFixture[str], *, wanted: bool):
    clock = VirtualClock()
    async with Display(Progress(), wanted=wanted, clock=clock):
        await clock.sleep(29 if wanted else 300)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("found", "settled", "copied", "passes", "adds_up"),
    [(3, 3, 3, 1, True), (4, 3, 3, 1, False), (3, 3, 2, 1, False), (3, 3, 4, 1, False), (3, 3, 4, 2, True)],
)
def test_totals_that_do_not_add_up_are_noticed(found: int, settled: int, copied: int, passes: int, *, adds_up: bool):
    standing = Standing("done", datetime.now(UTC), found=found, settled=settled, passes=passes)
    assert totals_of({State.COPIED: (copied, 0)}, standing).adds_up is adds_up
