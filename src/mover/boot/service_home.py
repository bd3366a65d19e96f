"""Where a server keeps things on its machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mover.boot.home import home, variable


@dataclass(frozen=True, slots=True)
class ServiceHome:
    """The folder of a server, and what lies in it; each of these is closed to others by itself.

    The folder may be passed through (mode 0711), as root's PostgreSQL runs as another user.
    """

    folder: Path

    @property
    def database(self) -> Path:
        """The embedded PostgreSQL."""
        return self.folder / "database"

    @property
    def keys(self) -> Path:
        """The global key: back it up apart from the rest."""
        return self.folder / "keys"

    @property
    def tls(self) -> Path:
        """The local authority and the server's certificate."""
        return self.folder / "tls"

    @property
    def runner(self) -> Path:
        """The runner that comes with `mover up`."""
        return self.folder / "runner"

    @property
    def first_key(self) -> Path:
        """The API key of the first account, for whoever may read this folder."""
        return self.folder / "first-key"

    def made(self) -> ServiceHome:
        """The same, with its folder there."""
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        return self


def service_home(folder: Path | None = None) -> ServiceHome:
    """The folder that was named, else `MOVER_SERVICE_HOME`, else `service` in the user's own folder for Mover."""
    named = variable("MOVER_SERVICE_HOME")
    return ServiceHome(folder or (Path(named) if named else home().folder / "service"))
