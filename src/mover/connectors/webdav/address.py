"""Where things are: the connection's address, and how ids become addresses and come back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from mover.core.errors import BadOption, NotEncrypted
from mover.core.model import ItemId
from mover.core.options import Options

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*")


@dataclass(frozen=True, slots=True)
class Address:
    """The folder a connection starts from. `origin` has scheme, host and port; `path` is "", or begins with "/"."""

    origin: str
    path: str

    def of(self, item: ItemId, *, folder: bool = False) -> str:
        """The absolute URL of an item; folders end in a slash."""
        return self.origin + self.path_of(item, folder=folder)

    def path_of(self, item: ItemId, *, folder: bool = False) -> str:
        """The percent-encoded path of an item, from the server's root."""
        inner = f"{self.path}/{escaped(item)}" if item else self.path
        return f"{inner}/" if folder or not inner else inner

    def beside(self, path: str) -> str:
        """The absolute URL of another, percent-encoded path on the same server."""
        return self.origin + path


def address_of(options: Options) -> Address:
    """The address that the options url, port, path and plain_http give together.

    Raises:
        BadOption: they give none, or contradict each other.
        NotEncrypted: the address is a plain http one, and plain_http is not on.
    """
    given, plain = options.must("url").strip(), options.switch("plain_http")
    try:
        parts = urlsplit(given if "://" in given else f"http{'' if plain else 's'}://{given}")
        host, port = parts.hostname, options.number("port") or parts.port
    except ValueError as problem:
        raise BadOption(f"{given} is no address: {problem}", item="url") from problem
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise BadOption(f"{given} is no WebDAV address: give https://host/folder", item="url")
    if parts.username is not None or parts.password is not None:
        raise BadOption("give user and password as options, not inside the url", item="url")
    if parts.scheme == "http" and not plain:
        raise NotEncrypted(
            "the address begins with http://; this is accepted only with plain_http and allow_unencrypted"
        )
    if parts.scheme == "https" and plain:
        raise BadOption("the address begins with https://, but plain_http is on: switch it off", item="plain_http")
    named = f"[{host}]" if ":" in host else host
    inner = [unquote_to_bytes(parts.path), (options.text("path") or "").encode("utf-8", "surrogateescape")]
    path = b"/".join(p for piece in inner for p in piece.split(b"/") if p)
    origin = f"{parts.scheme}://{named}" + (f":{port}" if port else "")
    return Address(origin, f"/{quote(path, safe='/')}" if path else "")


def escaped(item: str) -> str:
    """An id as it stands in a URL."""
    return quote(item.encode("utf-8", "surrogateescape"), safe="/")


def path_in(href: str) -> bytes:
    """The decoded path of an `href`, absolute or not, without a slash at its end."""
    absolute = _ABSOLUTE.match(href)
    return unquote_to_bytes(href[absolute.end() :] if absolute else href).rstrip(b"/")
