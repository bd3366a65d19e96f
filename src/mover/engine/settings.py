"""What a user asked of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verify = Literal["full", "changed", "none"]
"""`changed`: every file that was written is proved, by the provider's digest or else by reading it back. `full`: so are files that were
there already. `none`: only the length counts."""

Compare = Literal["auto", "size", "digest", "stored"]
"""How a file that is there already is found the same. `auto`: size, and digest where both sides have one, else time. `size`: size alone.
`digest`: size and digest; without a common digest it is copied again. `stored`: size, and the destination received it
after the source last changed."""


Existing = Literal["replace", "keep", "keep-newer"]
"""What becomes of a file at the destination that differs from the source's. `keep-newer`: it stays if it was changed later."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run works. Sizes in bytes, times in seconds."""

    verify: Verify = "changed"
    compare: Compare = "auto"
    existing: Existing = "replace"
    names: Literal["fail", "replace"] = "fail"
    links: Literal["skip", "follow"] = "skip"
    dry_run: bool = False
    transfers: int = 32
    scanners: int = 8
    large_transfers: int = 4
    bytes_per_second: int | None = None
    small: int = 1 << 20
    """Files up to this size go through the spool in one piece."""

    stripe: int = 4 << 20
    """Large files are fetched in ranges of this size."""

    stripes: int = 4
    """How many such ranges of one file are on their way at once."""
