"""Saved connections: plain options in a private file, secrets in it sealed by the vault."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from mover.boot.given import settled_paths, with_environment
from mover.boot.home import Home
from mover.boot.records import FORMAT, load, store
from mover.connectors.registry import spec as spec_of
from mover.core.errors import BadOption, ConnectionExists, MoverError, RecordDamaged, UnknownConnection
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
    """Connections by name: `SavedConnection`s, but one that is damaged must not stand in the way of the others."""

    connections: dict[str, object]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Listed:
    """A connection as a list shows it; `channel` says how it is protected. `secrets` are the names of those it has.

    `problem` says why it cannot be read, if it cannot; the rest is empty then.
    """

    name: str
    connector: str = ""
    title: str = ""
    channel: Channel | None = None
    options: Mapping[str, str | int | bool] = field(default_factory=dict[str, str | int | bool])
    secrets: tuple[str, ...] = ()
    problem: str | None = None


class Connections:
    """The saved connections of this user. Several processes may use them at once."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def vault(self) -> LocalVault:
        """The vault that seals their secrets; its keys are made when first needed."""
        return LocalVault(self._home.made().keys)

    def list(self) -> tuple[Listed, ...]:
        """All of them by name; a damaged one is listed with its problem. No secret is opened. Raises `RecordDamaged` if the file is."""
        return tuple(self._looked_at(name, kept) for name, kept in sorted(self._all().items()))

    def knows(self, name: str) -> bool:
        """Whether there is a connection of that name, readable or not. Raises `RecordDamaged`."""
        return name in self._all()

    def options(self, name: str) -> Options:
        """The checked options of a connection, its secrets opened.

        Raises:
            UnknownConnection: there is none; the text names the nearest.
            RecordDamaged: what is kept of it cannot be read.
            Sealed: a secret cannot be opened.
        """
        kept = self._kept(name)
        spec = spec_of(kept.connector)
        return Options(spec, with_environment(spec, {**kept.options, **self._opened(name, kept)}))

    def add(self, name: str, connector: str, values: Mapping[str, Value], *, replace: bool = False) -> Listed:
        """Check and keep a connection.

        Raises:
            BadOption, NotEncrypted: as `Options`; or the name is none.
            ConnectionExists: there is one of that name already, and it is not to be replaced.
        """
        _check_name(name)
        spec = spec_of(connector)
        values = settled_paths(spec, values)
        Options(spec, with_environment(spec, values))
        plain = {option: value for option, value in values.items() if not isinstance(value, Secret)}
        secrets = {option: value for option, value in values.items() if isinstance(value, Secret)}
        kept = SavedConnection(connector, plain, self._sealed(name, secrets))
        self._keep(name, kept, replace=replace)
        return self._listed(name, kept)

    def copy(self, old: str, new: str) -> None:
        """Keep a connection under a second name; its secrets are sealed for that one anew.

        Raises:
            UnknownConnection, BadOption, ConnectionExists: there is no `old`; `new` is no name, or taken.
            RecordDamaged, Sealed: what is kept cannot be read, or a secret not be opened.
        """
        _check_name(new)
        kept = self._kept(old)
        self._keep(new, msgspec.structs.replace(kept, secrets=self._sealed(new, self._opened(old, kept))))

    def remove(self, name: str) -> None:
        """Forget a connection and its secrets, readable or not. Raises `UnknownConnection`."""
        with locked(self._lock):
            found = self._all()
            self._must_know(name, found)
            store(self._home.connections, _File({n: kept for n, kept in found.items() if n != name}))

    @property
    def _lock(self) -> Path:
        return self._home.made().connections.with_suffix(".lock")

    def _all(self) -> dict[str, object]:
        file = load(self._home.connections, _File)
        return {} if file is None else file.connections

    def _keep(self, name: str, kept: SavedConnection, *, replace: bool = False) -> None:
        with locked(self._lock):
            found = self._all()
            if name in found and not replace:
                raise ConnectionExists(f"there is a connection {name} already", item=name)
            store(self._home.connections, _File({**found, name: kept}))

    def _kept(self, name: str) -> SavedConnection:
        found = self._all()
        self._must_know(name, found)
        return _read(name, found[name])

    def _must_know(self, name: str, found: Mapping[str, object]) -> None:
        if name not in found:
            near = difflib.get_close_matches(name, found, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UnknownConnection(f"there is no connection {name}{hint}", item=name)

    def _opened(self, name: str, kept: SavedConnection) -> dict[str, Secret]:
        vault = self.vault() if kept.secrets else None
        return {
            option: vault.open(sealed, purpose=_PURPOSE, owner=OWNER, record=f"{name}/{option}")
            for option, sealed in kept.secrets.items()
            if vault is not None
        }

    def _sealed(self, name: str, secrets: Mapping[str, Secret]) -> dict[str, bytes]:
        vault = self.vault()
        return {
            option: vault.seal(secret, purpose=_PURPOSE, owner=OWNER, record=f"{name}/{option}")
            for option, secret in secrets.items()
        }

    def _looked_at(self, name: str, kept: object) -> Listed:
        try:
            return self._listed(name, _read(name, kept))
        except MoverError as problem:
            return Listed(name, problem=problem.detail)

    def _listed(self, name: str, kept: SavedConnection) -> Listed:
        spec = spec_of(kept.connector)
        unless = spec.unencrypted_when
        defaults: dict[str, Value | None] = {o.name: o.default for o in spec.options}
        said = {**defaults, **kept.options}
        open_ = bool(unless) and all(said.get(option) == value for option, value in unless.items())
        channel = Channel.NONE if open_ else spec.channel
        return Listed(name, kept.connector, spec.title, channel, kept.options, tuple(kept.secrets))


def _read(name: str, kept: object) -> SavedConnection:
    try:
        return msgspec.convert(kept, type=SavedConnection)
    except msgspec.ValidationError as error:
        raise ConnectionDamaged(f"the saved connection {name} is damaged: {error}", item=name) from error


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadOption(f"{name!r} is no name for a connection: use two or more letters, digits, - and _", item="name")


class ConnectionDamaged(RecordDamaged):
    """What is kept of a connection cannot be read."""

    advice = (
        "Restore connections.json from a backup; or remove the connection and add it again: `mover connection remove`."
    )
