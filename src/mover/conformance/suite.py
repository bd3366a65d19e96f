"""All checks, in the order in which they are run and documented."""

from __future__ import annotations

from typing import Final

from mover.conformance import attributes, basics, content, listings, names, parts, structure
from mover.conformance.checks import CHECKS, Check

GROUPS: Final = (basics, content, names, listings, structure, attributes, parts)
"""The modules that hold checks; their docstrings head the pages users read."""

ALL: Final[tuple[Check, ...]] = tuple(
    check for group in GROUPS for check in CHECKS if check.group == group.__name__.rpartition(".")[2]
)
"""Every check, by group, then as it stands in its file."""
