"""Saved connections: plain options in a private file, secrets in it sealed by the vault."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mover.boot.given import settled_paths, with_environment
from mover.boot.home import Home
from mover.boot.records import load, store
from mover.connectors.registry import spec as spec_of
from mover.core.errors import BadOption, Conflict, UnknownConnection
from mover.core.options import Options, Value
from mover.core.secret import Secret
from mover.core.spec import Channel
from mover.vault.files import locked
from mover.vault.local import LocalVault

OWNER: Final = "local"
"""Whose secrets they are: on one machine there is one user."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]+")
"""Names of connections. One letter is none, so that `C:` is never taken for one."""

_PURPOSE: Final = "connection"


class SavedConnection(msgspec.Struct, frozen=True):
    """A connection as it is kept; `secrets` are sealed."""

    connector: str
    options: dict[str, str | int | bool]
    secrets: dict[str, bytes]


class _File(msgspec.Struct, frozen=True):
    connections: dict[str, SavedConnection]
    format: int = 1


@dataclass(frozen=True, slots=True)
class Listed:
    """A connection as a list shows it; `channel` says how it is protected. `secrets` are the names of those it has."""

    name: str
    connector: str
    title: str
    channel: Channel
    options: Mapping[str, str | int | bool]
    secrets: tuple[str, ...]


class Connections:
    """The saved connections of this user. Several processes may use them at once."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def vault(self) -> LocalVault:
        """The vault that seals their secrets; its keys are made when first needed."""
        return LocalVault(self._home.made().keys)

    def list(self) -> tuple[Listed, ...]:
        """All of them by name. No secret is opened."""
        return tuple(self._listed(name, kept) for name, kept in sorted(self._all().items()))

    def options(self, name: str) -> Options:
        """The checked options of a connection, its secrets opened.

        Raises:
            UnknownConnection: there is none; the text names the nearest.
            Sealed: a secret cannot be opened.
        """
        kept = self._kept(name)
        spec = spec_of(kept.connector)
        values: dict[str, Value] = dict(kept.options)
        if kept.secrets:
            vault = self.vault()
            for option, sealed in kept.secrets.items():
                values[option] = vault.open(sealed, purpose=_PURPOSE, owner=OWNER, record=f"{name}/{option}")
        return Options(spec, with_environment(spec, values))

    def add(self, name: str, connector: str, values: Mapping[str, Value], *, replace: bool = False) -> Listed:
        """Check and keep a connection.

        Raises:
            BadOption, NotEncrypted: as `Options`; or the name is none.
            Conflict: there is one of that name already, and it is not to be replaced.
        """
        if not NAME.fullmatch(name):
            raise BadOption(
                f"{name!r} is no name for a connection: use two or more letters, digits, - and _", item="name"
            )
        spec = spec_of(connector)
        values = settled_paths(spec, values)
        Options(spec, with_environment(spec, values))
        plain = {option: value for option, value in values.items() if not isinstance(value, Secret)}
        vault = self.vault()
        sealed = {
            option: vault.seal(value, purpose=_PURPOSE, owner=OWNER, record=f"{name}/{option}")
            for option, value in values.items()
            if isinstance(value, Secret)
        }
        kept = SavedConnection(connector, plain, sealed)
        with locked(self._lock):
            found = self._all()
            if name in found and not replace:
                raise Taken(f"there is a connection {name} already", item=name)
            store(self._home.connections, _File({**found, name: kept}))
        return self._listed(name, kept)

    def remove(self, name: str) -> None:
        """Forget a connection and its secrets. Raises `UnknownConnection`."""
        self._kept(name)
        with locked(self._lock):
            found = self._all()
            store(self._home.connections, _File({n: kept for n, kept in found.items() if n != name}))

    @property
    def _lock(self) -> Path:
        return self._home.made().connections.with_suffix(".lock")

    def _all(self) -> dict[str, SavedConnection]:
        file = load(self._home.connections, _File)
        return {} if file is None else file.connections

    def _kept(self, name: str) -> SavedConnection:
        found = self._all()
        if name not in found:
            near = difflib.get_close_matches(name, found, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UnknownConnection(f"there is no connection {name}{hint}", item=name)
        return found[name]

    def _listed(self, name: str, kept: SavedConnection) -> Listed:
        spec = spec_of(kept.connector)
        unless = spec.unencrypted_when
        defaults: dict[str, Value | None] = {o.name: o.default for o in spec.options}
        said = {**defaults, **kept.options}
        open_ = bool(unless) and all(said.get(option) == value for option, value in unless.items())
        channel = Channel.NONE if open_ else spec.channel
        return Listed(name, kept.connector, spec.title, channel, kept.options, tuple(kept.secrets))


class Taken(Conflict):
    """A connection of that name is there already."""

    code = "connection-exists"
    exit_code = 2
    advice = "Choose another name, or say --replace."
