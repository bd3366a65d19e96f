"""Compares Mover with rclone on this machine: same servers, same run, interleaved, medians.

Prints the table; `--write` puts it into docs/performance.md.

Every figure of the claim is a ratio of two programs that ran minutes apart on the same machine; the absolute ones say more of the machine.
"""

from __future__ import annotations

import argparse
from typing import Final

from bench_contests import CONTESTS
from bench_page import Row, page, table
from bench_running import RCLONES, bench_of
from with_sites import ROOT

BY_HAND: Final = "\n## Where it stands\n"
"""What stands below this in the page is written by people, and stays."""


def main() -> None:
    """Measure, print, and on request write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the full amounts, for a quick look")
    parser.add_argument("--only", choices=CONTESTS, action="append")
    parser.add_argument(
        "--latest", action="store_true", help="leave out Debian's rclone, whose WebDAV is held to 30 files a second"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    said = parser.parse_args()
    rows: list[Row] = []
    with bench_of(said.scale) as bench:
        bench.programs = RCLONES[:1] if said.latest else RCLONES
        for name in said.only or CONTESTS:
            for contest in CONTESTS[name](bench):
                rows.append(bench.run(contest, said.rounds))
                print(table(rows[-1:]), flush=True)
    print(table(rows))
    if said.write:
        file = ROOT / "docs" / "performance.md"
        _, mark, said_by_hand = file.read_text().partition(BY_HAND)
        file.write_text(page(rows, said.rounds, latest=said.latest) + mark + said_by_hand)


if __name__ == "__main__":
    main()
