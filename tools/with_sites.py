"""Real servers for the demo and the benchmark: the same ones the tests start, reached through saved connections."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.running import load_sites  # noqa: E402  # the tests lie beside this folder
from tests.service.site_connections import asked  # noqa: E402
from tests.service.up import Api, Service, up  # noqa: E402
from tests.sites.base import SITES, Missing, Site  # noqa: E402

from mover.connectors.registry import spec  # noqa: E402

__all__ = [
    "MOVER",
    "ROOT",
    "SITES",
    "Api",
    "Missing",
    "Service",
    "Site",
    "add_connection",
    "asked",
    "environment",
    "load_sites",
    "mover",
    "up",
]

MOVER: Final = Path(sys.executable).with_name("mover")


def environment(home: Path) -> dict[str, str]:
    """An environment in which Mover keeps everything below `home`, and that names no certificate authorities of the machine's."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if "CA_BUNDLE" not in key and not key.startswith(("SSL_CERT", "PYTHON"))
    }
    return {**kept, "MOVER_HOME": str(home)}


def mover(home: Path, *words: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    """Run `mover`; raises if it fails."""
    command = [str(word) for word in (MOVER, *words)]
    return subprocess.run(command, env=environment(home), check=True, text=True, **more)  # type: ignore[call-overload]


def add_connection(home: Path, name: str, site: Site, changed: Mapping[str, object] | None = None) -> None:
    """Save a connection to a site; its secrets go through files, as a user's would."""
    words: list[str] = ["connection", "add", site.connector, "--name", name]
    secrets = home.with_name(f"{home.name}-secrets")
    secrets.mkdir(mode=0o700, exist_ok=True)
    known = spec(site.connector)
    for key, value in {**site.options, **(changed or {})}.items():
        option = known.option(key)
        if option is None:
            raise ValueError(f"{site.connector} has no option {key}")
        flag = f"--{key.replace('_', '-')}"
        if option.kind == "secret":
            file = secrets / f"{name}-{key}"
            file.write_text(value.reveal() if hasattr(value, "reveal") else str(value))
            file.chmod(0o600)
            words += [f"{flag}-file", str(file)]
        elif option.kind == "switch":
            words += [flag] if value else []
        else:
            words += [flag, str(value)]
    mover(home, *words, stdout=subprocess.DEVNULL)
