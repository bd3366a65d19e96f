"""Options that say more of a place than its address does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mover.boot.addresses import Asked

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


def asked(
    role: str,
    address: str,
    options: tuple[str, ...],
    secrets: tuple[str, ...],
    key: Path | None = None,
    *,
    names: bool = False,
) -> Asked:
    """The place that the arguments of a command name."""
    from mover.boot.addresses import Asked
    from mover.boot.given import pairs, secrets_of
    from mover.boot.sides import Layer

    layer = None if key is None else Layer(key, names)
    return Asked(role, address, pairs(options, f"--{role}-option"), secrets_of(secrets, f"--{role}-secret"), layer)
