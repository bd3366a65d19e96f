"""From a user's options to how one signs in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mover.core.errors import BadOption
from mover.core.options import Options
from mover.core.secret import Secret
from mover.net.ssh import SshSettings
from mover.net.ssh_trust import HostTrust

MOST: Final = 16
_USUAL: Final = 4
_LARGEST_FILE: Final = 8 << 20


def ssh_settings(options: Options) -> SshSettings:
    """How to reach the server.

    Raises:
        BadOption: no way to sign in was given, or a file cannot be read.
    """
    host, port = options.must("host"), options.number("port") or 22
    pins = [pin.strip() for pin in (options.text("host_key") or "").split(",") if pin.strip()]
    known = "" if pins else _known_hosts(options.text("known_hosts"))
    settings = SshSettings(
        host,
        port,
        options.must("user"),
        HostTrust(host, port, pins=pins, known_hosts=known),
        password=options.secret("password"),
        private_key=_private_key(options),
        passphrase=options.secret("key_passphrase"),
        agent_socket=_agent(options),
    )
    if not (settings.password or settings.private_key or settings.agent_socket):
        raise BadOption("SFTP needs a password, a private key (key_file or private_key) or use_agent", item="password")
    return settings


def connections_of(options: Options) -> int:
    """How many connections to open at most."""
    count = options.number("connections") or _USUAL
    if not 1 <= count <= MOST:
        raise BadOption(f"connections is from 1 to {MOST}, not {count}", item="connections")
    return count


def _private_key(options: Options) -> Secret | None:
    path = options.text("key_file")
    if path is None:
        return options.secret("private_key")
    return Secret(_text(path, "key_file"))


def _known_hosts(path: str | None) -> str:
    """The text of the file; none if there is no such file, so that the host is simply not known."""
    if path is None or not Path(path).expanduser().exists():
        return ""
    return _text(path, "known_hosts")


def _text(path: str, option: str) -> str:
    try:
        with Path(path).expanduser().open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_LARGEST_FILE)
    except OSError as error:
        raise BadOption(
            f"{option}: {path} cannot be read: {error.strerror}",
            item=option,
            advice="Check the path of that file, and that you may read it.",
        ) from error


def _agent(options: Options) -> str | None:
    if not options.switch("use_agent"):
        return None
    socket = options.text("agent_socket")
    if socket is None:
        raise BadOption(
            "use_agent needs a running SSH agent: SSH_AUTH_SOCK is not set, nor is agent_socket", item="agent_socket"
        )
    return socket
