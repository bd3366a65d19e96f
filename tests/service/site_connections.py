"""Sites as connections of the service, as a user would save them there: keys as secrets, not as files of somebody's machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sites.base import Site

from mover.connectors.registry import spec
from mover.core.secret import Secret


def asked(site: Site, name: str, trusted: Path) -> dict[str, Any]:
    """What the API is asked to save. `trusted` is a folder that runners may read: the sites' own authorities go there."""
    given = dict(site.options)
    if "key_file" in given:
        given["private_key"] = Path(str(given.pop("key_file"))).read_text()
        given["host_key"] = site.notes["host_key"]
        given.pop("known_hosts", None)
    if "ca_file" in given:
        copy = trusted / f"{site.connector}.pem"
        copy.write_bytes(Path(str(given["ca_file"])).read_bytes())
        given["ca_file"] = str(copy)
    secret = {option.name for option in spec(site.connector).options if option.kind == "secret"}
    return {
        "name": name,
        "connector": site.connector,
        "options": {key: value for key, value in given.items() if key not in secret},
        "secrets": {key: _revealed(value) for key, value in given.items() if key in secret},
    }


def _revealed(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)
