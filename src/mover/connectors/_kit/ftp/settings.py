"""How to reach one server."""

from __future__ import annotations

import codecs
import ssl
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mover.core.errors import BadOption
from mover.core.options import Options
from mover.core.secret import Secret
from mover.net.tls import context_with

PORT: Final = 21
IMPLICIT_PORT: Final = 990
MOST_CONNECTIONS: Final = 64
_PLAIN: Final = b"0Az /._-"


class Security(Enum):
    """When TLS begins."""

    NONE = "none"
    EXPLICIT = "explicit"  # after AUTH TLS
    IMPLICIT = "implicit"  # before the first word


@dataclass(frozen=True, slots=True)
class Settings:
    """One server and account. Times are in seconds.

    `folder` is the connection's root: absolute, or relative to where the server puts us. `idle` is how long one step may stand still.
    """

    host: str
    port: int
    user: str
    password: Secret
    security: Security
    context: ssl.SSLContext | None
    folder: str = ""
    encoding: str = "utf-8"
    connections: int = 8
    exact_times: bool = True
    connect: float = 30.0
    idle: float = 120.0


def settings(options: Options, security: Security) -> Settings:
    """The settings that a user's options stand for.

    Raises:
        BadOption: one of them cannot be.
    """
    connections = options.number("connections") or Settings.connections
    if not 1 <= connections <= MOST_CONNECTIONS:
        raise BadOption(f"connections: from 1 to {MOST_CONNECTIONS}, not {connections}", item="connections")
    port = options.number("port") or (IMPLICIT_PORT if security is Security.IMPLICIT else PORT)
    password = options.secret("password") or Secret("")
    for name, text in (("user", options.must("user")), ("password", password.reveal())):
        if not {"\r", "\n", "\0"}.isdisjoint(text):
            raise BadOption(f"{name}: FTP takes no line breaks or zero bytes here", item=name)
    return Settings(
        host=options.must("host"),
        port=port,
        user=options.must("user"),
        password=password,
        security=security,
        context=None if security is Security.NONE else context_with(options.text("ca_file")),
        folder=options.text("folder") or "",
        encoding=_encoding(options.must("encoding")),
        connections=connections,
        exact_times=options.switch("exact_times"),
    )


def _encoding(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        fits = _PLAIN.decode("ascii").encode(found) == _PLAIN
    except (LookupError, UnicodeError):
        found, fits = name, False
    if not fits:
        raise BadOption(f"encoding: {name} is no character encoding that FTP could use", item="encoding")
    return found
