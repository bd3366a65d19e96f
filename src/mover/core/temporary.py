"""Names of files that are not whole yet, at destinations where such a file can be seen.

`.mover-<mark>-<8 hexadecimal digits>.part`, where the mark tells which pass of which run began it; without a mark
`.mover-<16 hexadecimal digits>.part`. They are as short as they can be and do not grow with the name of the file to come, which
may be as long as its server allows.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

RUN: Final = 16
"""Hexadecimal digits at the beginning of a mark that all passes of a run share."""

PASS: Final = 4
"""Hexadecimal digits behind them that tell one pass from the next ones."""


def mark_of_pass(run: str, number: int) -> str:
    """The mark of a pass. `run` is `RUN` hexadecimal digits made once; passes are told apart as far as `PASS` digits go."""
    return f"{run}{number % 16**PASS:0{PASS}x}"


def temporary_name(mark: str | None = None, *, hidden: bool = True) -> str:
    """A name that nobody has. `hidden`: it begins with a dot.

    Raises:
        ValueError: the mark is none.
    """
    if mark is not None and not _MARK.fullmatch(mark):
        raise ValueError(f"{mark!r} is no mark")
    tail = secrets.token_hex(8) if mark is None else f"{mark}-{secrets.token_hex(4)}"
    return f"{'.' if hidden else ''}mover-{tail}.part"


def is_temporary(name: str) -> bool:
    """Whether it is such a name, with a mark or without."""
    return _TEMPORARY.fullmatch(name) is not None


def mark_of(name: str) -> str | None:
    """The mark in such a name; `None` if it has none, or is any other name."""
    found = _TEMPORARY.fullmatch(name)
    return found and found["mark"]


_MARK: Final = re.compile(rf"[0-9a-f]{{{RUN + PASS}}}")
_TEMPORARY: Final = re.compile(rf"\.?mover-(?:(?P<mark>{_MARK.pattern})-[0-9a-f]{{8}}|[0-9a-f]{{16}})\.part")
