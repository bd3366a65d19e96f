"""What a user gives besides an address: options, and secrets by file, prompt, standard input or environment."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mover.boot.home import variable
from mover.core.errors import BadOption
from mover.core.options import Value
from mover.core.secret import Secret
from mover.core.spec import Option, Spec

MOST: Final = 64 << 10
"""Bytes of a file that holds a secret."""

LONGEST: Final = 16 << 20
"""Bytes of a file that holds rules."""


def secret_in(file: str, label: str) -> Secret:
    """The secret in a file; `-` is standard input, or a prompt where that is a terminal. A newline at the end is no part of it.

    Raises:
        BadOption: the file cannot be read, is empty or no text.
    """
    asks = file == "-" and sys.stdin.isatty()
    text = getpass.getpass(f"{label}: ", stream=sys.stderr) if asks else _read(file, label, MOST)
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise BadOption(f"{label}: {_named(file)} is empty", item=label)
    return Secret(text)


def text_in(file: str, label: str) -> str:
    """The text of a file that an option names. Raises `BadOption` if it cannot be read or is no text."""
    return _read(file, label, LONGEST)


def pairs(said: Sequence[str], option: str) -> dict[str, str]:
    """`key=value` as a user wrote it, several times.

    Raises:
        BadOption: one has no `=`, or a key comes twice.
    """
    found: dict[str, str] = {}
    for text in said:
        key, sign, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key:
            raise BadOption(f"{option} takes key=value", item=option)
        if key in found:
            raise BadOption(f"{option} says {key} twice", item=key)
        found[key] = value
    return found


def secrets_of(said: Sequence[str], option: str) -> dict[str, Secret]:
    """Secrets by option, from `key=FILE` as a user wrote it. Raises `BadOption` as `pairs` and `secret_in` do."""
    return {key: secret_in(file, key) for key, file in pairs(said, option).items()}


def secrets_in_environment(spec: Spec, prefix: str, given: Mapping[str, object]) -> dict[str, Secret]:
    """Secrets whose files the environment names (`MOVER_SOURCE_PASSWORD_FILE` for the prefix `MOVER_SOURCE`), unless given already."""
    found: dict[str, Secret] = {}
    for option in spec.options:
        if option.kind == "secret" and option.name not in given:
            file = variable(f"{prefix}_{option.name.upper()}_FILE")
            if file:
                found[option.name] = secret_in(file, option.name)
    return found


def with_environment(spec: Spec, given: Mapping[str, Value]) -> dict[str, Value]:
    """What was given, and for options that nobody gave, the variable that the spec names for it."""
    values = dict(given)
    for option in spec.options:
        if option.environment and option.name not in values and (value := variable(option.environment)):
            values[option.name] = Secret(value) if option.kind == "secret" else value
    return values


def settled_paths(spec: Spec, given: Mapping[str, Value]) -> dict[str, Value]:
    """The same options, with paths of files on this machine made absolute: the next command may run elsewhere."""
    return {name: _settled(spec, spec.option(name), value) for name, value in given.items()}


def names_a_file(option: str) -> bool:
    """Whether the option of that name is a path of this machine, whatever the connector."""
    return option.endswith("_file") or option == "known_hosts"


def from_here(path: str) -> str:
    """The path from the top."""
    return str(Path(path).expanduser().absolute()) if path else path


def _settled(spec: Spec, option: Option | None, value: Value) -> Value:
    if option is None or option.kind != "text" or not isinstance(value, str) or not value:
        return value
    return from_here(value) if names_a_file(option.name) or (spec.key, option.name) == _LOCAL else value


_LOCAL: Final = ("local", "path")


def _read(file: str, label: str, most: int) -> str:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(file).expanduser().open("rb") as opened:
                data = opened.read(most + 1)
        text = data.decode()
    except OSError as error:
        raise BadOption(
            f"{label}: the file {file} cannot be read: {error.strerror}",
            item=label,
            advice="Check the path of that file, and that you may read it.",
        ) from error
    except UnicodeDecodeError as error:
        raise BadOption(f"{label}: {_named(file)} is no text in UTF-8", item=label) from error
    if len(data) > most:
        raise BadOption(f"{label}: {_named(file)} has more than {most} bytes", item=label)
    return text


def _named(file: str) -> str:
    return "standard input" if file == "-" else f"the file {file}"
