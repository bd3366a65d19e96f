"""Options that say more of a place than its address does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from mover.boot.addresses import Asked
    from mover.runner.ends import Layer

F = TypeVar("F", bound=Callable[..., Any])


def option_options(role: str) -> Callable[[F], F]:
    """`--source-option` and `--source-secret`, or those of the destination."""

    def add(command: F) -> F:
        secret = click.option(
            f"--{role}-secret",
            multiple=True,
            metavar="KEY=FILE",
            help=f"A secret of the {role}, when it is a URL: a file that holds it, or - to be asked.",
        )
        plain = click.option(
            f"--{role}-option",
            multiple=True,
            metavar="KEY=VALUE",
            help=f"An option of the {role}, when it is a URL.",
        )
        return plain(secret(command))

    return add


_KEYS: Final = {"source": ("decrypt-with", "decrypt-names"), "destination": ("encrypt-to", "encrypt-names")}


def key_options(role: str, what: str) -> Callable[[F], F]:
    """`--decrypt-with` and `--decrypt-names` for a source, `--encrypt-to` and `--encrypt-names` for a destination."""
    file, names = _KEYS[role]

    def add(command: F) -> F:
        by = click.option(f"--{file}", type=click.Path(path_type=Path), metavar="FILE", help=what)
        return by(click.option(f"--{names}", is_flag=True, help=f"With --{file}: names are encrypted too.")(command))

    return add


def asked(role: str, said: Mapping[str, Any]) -> Asked:
    """The place that the options of a command name.

    Raises:
        BadOption: an option is no `KEY=VALUE`, a file cannot be read, or names are to be encrypted without a key.
    """
    from mover.boot.addresses import Asked
    from mover.boot.given import pairs, secrets_of

    options = pairs(said[f"{role}_option"], f"--{role}-option")
    secrets = secrets_of(said[f"{role}_secret"], f"--{role}-secret")
    return Asked(role, said[role], options, secrets, _layer(role, said))


def _layer(role: str, said: Mapping[str, Any]) -> Layer | None:
    from mover.core.errors import BadOption
    from mover.runner.ends import Layer

    file, names = _KEYS[role]
    key, sealed = said[file.replace("-", "_")], bool(said[names.replace("-", "_")])
    if sealed and key is None:
        raise BadOption(f"--{names} needs --{file} FILE", item=names)
    return None if key is None else Layer(key, sealed)
