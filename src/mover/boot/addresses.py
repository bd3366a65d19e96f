"""What a user writes where a place is asked for: `name:path`, a URL, or a path of this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from mover.boot.connections import NAME, Connections
from mover.boot.given import secrets_in_environment, settled_paths, with_environment
from mover.connectors.registry import spec, specs
from mover.core.errors import BadAddress, BadOption
from mover.core.options import Options, Value
from mover.core.secret import Secret
from mover.core.spec import Spec, Url
from mover.runner.ends import End, Layer

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)(/.*)?", re.DOTALL)
_SAVED: Final = re.compile(rf"({NAME.pattern}):(.*)", re.DOTALL)
_FROM_HOME: Final = "/~/"
"""How the path of a URL begins that is meant from the account's home folder, as in git's and curl's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A place as a user asked for it: the address, and what was said beside it. `role` is "source" or "destination"."""

    role: str
    address: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    layer: Layer | None = None


def absolute(address: str) -> str:
    """The address, if it is a path of this machine, from the top: the next command may run elsewhere."""
    if not address or _URL.fullmatch(address) or _SAVED.fullmatch(address):
        return address
    tail = "/" if address.endswith("/") and address != "/" else ""
    return os.path.abspath(address) + tail  # noqa: PTH100  # not resolve(): links in it are the user's way to say it


def connection_of(address: str) -> str | None:
    """The name of the saved connection that an address begins with; `None` if it is a URL or a path of this machine."""
    saved = None if _URL.fullmatch(address) else _SAVED.fullmatch(address)
    return None if saved is None else saved[1]


def end_of(asked: Asked, connections: Connections) -> End:
    """The place that an address names. Nothing is opened but the secrets it needs.

    Raises:
        BadAddress: it cannot be read, or holds a password.
        UnknownConnection, BadOption, NotEncrypted: as it says.
    """
    address = asked.address
    if not address:
        raise BadAddress(f"the {asked.role} is empty", item=asked.role)
    if url := _URL.fullmatch(address):
        return _one_off(asked, url[1].lower(), url[2], url[3] or "")
    if saved := _SAVED.fullmatch(address):
        if asked.options or asked.secrets:
            raise BadOption(
                f"{saved[1]} is a saved connection; options for the {asked.role} go with a URL",
                item=asked.role,
                advice="Save another connection with it (`mover connection add`), or use a URL.",
            )
        return End(connections.options(saved[1]), saved[2].strip("/"), address, asked.layer)
    must_not_lack_its_colon(asked, connections)
    return _local(asked)


def must_not_lack_its_colon(asked: Asked, connections: Connections) -> None:
    """Refuse a path of this machine that is the bare name of a saved connection. Raises `BadAddress`."""
    address = asked.address
    if NAME.fullmatch(address) and connections.knows(address):
        raise BadAddress(
            f"{address} is a saved connection: write {address}: for it, or ./{address} for a folder here",
            item=asked.role,
        )


def _local(asked: Asked) -> End:
    """A folder of this machine is a connection's root, so that nothing outside it is ever read through a link."""
    given: dict[str, Value] = dict(asked.options)
    given.update(asked.secrets)
    top = Path(os.path.abspath(asked.address))  # noqa: PTH100  # as in `absolute`
    top = top.parent.resolve() / top.name if top.name and not top.is_dir() else top.resolve()
    rest: list[str] = []
    while not top.is_dir() and top != top.parent:
        rest.insert(0, top.name)
        top = top.parent
    options = Options(spec("local"), {**given, "path": str(top)})
    return End(options, "/".join(rest), asked.address, asked.layer)


def _one_off(asked: Asked, scheme: str, authority: str, path: str) -> End:
    found = next((s for s in specs().values() if s.url and scheme in s.url.schemes), None)
    if found is None or found.url is None:
        known = sorted({scheme for s in specs().values() if s.url for scheme in s.url.schemes})
        raise BadAddress(f"{scheme}:// is no address of ours; there are: {', '.join(known)}", item=asked.role)
    _must_not_be_said(found, asked)
    given = _of_authority(found.url, scheme, authority, asked.role)
    inner = _of_path(found, given, path, asked.role)
    twice = sorted(given.keys() & asked.options.keys())
    if twice:
        raise BadOption(f"the {asked.role} says {twice[0]} twice: in its URL and as an option", item=twice[0])
    given.update(asked.options)
    given.update(asked.secrets)
    given.update(secrets_in_environment(found, f"MOVER_{asked.role.upper()}", given))
    given.update(dict(found.url.implied.get(scheme, {})))
    options = Options(found, with_environment(found, settled_paths(found, given)))
    return End(options, inner, asked.address, asked.layer)


def _must_not_be_said(found: Spec, asked: Asked) -> None:
    for name in asked.options:
        option = found.option(name)
        if option is not None and option.kind == "secret":
            raise SecretSaid(f"{name} is a secret: as an argument everyone on this machine can see it", item=name)


def _of_authority(url: Url, scheme: str, authority: str, role: str) -> dict[str, Value]:
    who, at, where = authority.rpartition("@")
    user, colon, _ = who.partition(":")
    if at and colon:
        raise PasswordInAddress(f"the {role} holds a password, which everyone on this machine can see", item=role)
    host, port = where, ""
    if (split := re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d+)", where)) is not None:
        host, port = split[1], split[2]
    given: dict[str, Value] = {}
    for what, name, value in (("user", url.user, user), ("host", url.host, host), ("port", url.port, port)):
        if not value:
            continue
        if name is None:
            raise BadAddress(f"a {scheme}:// address has no {what}", item=role)
        given[name] = unquote(value, errors="surrogateescape").strip("[]") if what == "host" else unquote(value)
    return given


def _of_path(found: Spec, given: dict[str, Value], path: str, role: str) -> str:
    """Fill in the options that the path stands for; the rest is the path in the connection."""
    url = found.url
    text = unquote(path, errors="surrogateescape")
    if url is None or not text.strip("/"):
        return ""
    if url.first_segment is not None:
        given[url.first_segment], _, text = text.lstrip("/").partition("/")
    if found.key in _ROOTED_BY_PATH and url.path is not None:
        given[url.path] = text
        return ""
    if found.key in _FROM_THE_TOP and url.path is not None:
        if text.startswith(_FROM_HOME):
            return text.removeprefix(_FROM_HOME).strip("/")
        given[url.path] = "/"
    if url.path is None and text.strip("/") and found.key not in _TREES_WITHOUT_PATH:
        raise BadAddress(f"a {url.schemes[0]}:// address ends with {url.first_segment or url.host}", item=role)
    return text.strip("/")


_FROM_THE_TOP: Final = frozenset({"sftp", "ftp", "ftps"})
"""Where a connection begins in the account's home, and the path of a URL begins at the server's top."""

_ROOTED_BY_PATH: Final = frozenset({"webdav"})
"""Where only some paths of the server can be a root: the top of a Nextcloud is no WebDAV folder."""

_TREES_WITHOUT_PATH: Final = frozenset({"mysql"})


class SecretSaid(BadOption):
    """A secret was given as an argument, where the list of processes and the shell's history show it."""

    advice = (
        "Change it if others may have seen it, and give it by a file: "
        "--source-secret NAME=FILE or --destination-secret NAME=FILE ('-' asks for it)."
    )


class PasswordInAddress(BadAddress):
    """A password stands in a URL, where the list of processes and the shell's history show it."""

    advice = (
        "Leave it out, change it if others may have seen it, and give it by a file: "
        "--source-secret password=FILE or --destination-secret password=FILE ('-' asks for it)."
    )
