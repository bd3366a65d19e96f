"""What a connector is known not to keep, at which site, why, and since when.

A gap is strict: when its check passes the test fails, until the gap is taken out of this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gap:
    """A check that is known to fail at a site. `since` is the day it was found (YYYY-MM-DD)."""

    site: str
    check: str
    reason: str
    since: str


GAPS: Final[tuple[Gap, ...]] = (
    Gap(
        "nginx_dav",
        "names_with_dots",
        "nginx lists no names that begin with a dot; they are refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "proftpd",
        "folders_with_odd_names",
        "ProFTPD makes no folder whose name has a star (550 Invalid directory name); it is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "proftpd_for_rclone",
        "folders_with_odd_names",
        "ProFTPD makes no folder whose name has a star (550 Invalid directory name); it is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "proftpd_implicit",
        "folders_with_odd_names",
        "ProFTPD makes no folder whose name has a star (550 Invalid directory name); it is refused as Unfit",
        "2026-11-21",
    ),
)
"""All of them; sorted by site."""


def gap(site: str, check: str) -> Gap | None:
    """The gap of a check at a site, if it is known."""
    return next((g for g in GAPS if (g.site, g.check) == (site, check)), None)
