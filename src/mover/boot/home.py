"""Where Mover keeps things on this machine, for the user who runs it. The environment is read here and nowhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mover.core.errors import BadOption

DEFAULT_QUOTA: Final = 1 << 30
"""Bytes of encrypted temporary files that one run may hold on disk."""


@dataclass(frozen=True, slots=True)
class Home:
    """A user's folder for Mover, and what lies in it. Made with mode 0700 when first used."""

    folder: Path
    spool: Path
    quota: int = DEFAULT_QUOTA

    @property
    def keys(self) -> Path:
        """The vault's keys."""
        return self.folder / "keys"

    @property
    def connections(self) -> Path:
        """Saved connections, their secrets sealed."""
        return self.folder / "connections.json"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.folder / "runs"

    def made(self) -> Home:
        """The same, with its folder there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self


def home() -> Home:
    """The home of this user: `MOVER_HOME`, else `$XDG_DATA_HOME/mover`, else `~/.local/share/mover`.

    `MOVER_SPOOL` puts the temporary files elsewhere (an encrypted or fast disk), `MOVER_SPOOL_QUOTA` limits them (bytes).

    Raises:
        BadOption: the quota is no number.
    """
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    folder = Path(os.environ.get("MOVER_HOME") or Path(data) / "mover")
    spool = Path(os.environ.get("MOVER_SPOOL") or folder / "spool")
    return Home(folder, spool, _quota())


def _quota() -> int:
    said = os.environ.get("MOVER_SPOOL_QUOTA") or str(DEFAULT_QUOTA)
    if not said.isdecimal():
        raise BadOption("MOVER_SPOOL_QUOTA is a number of bytes, such as 1073741824", item="MOVER_SPOOL_QUOTA")
    return int(said)


def variable(name: str) -> str | None:
    """An environment variable that an option names as its default; `None` if it is not set or empty."""
    return os.environ.get(name) or None
