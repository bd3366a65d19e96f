"""The connections that large bodies travel on: made, proved, kept for the next, and told apart from dead ones."""

from __future__ import annotations

import base64
import select
import socket
import ssl
from functools import cache
from http.client import HTTPConnection
from threading import Lock
from traceback import clear_frames
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mover.core.errors import BadOption
from mover.net._bulk_answer import StrictAnswer
from mover.net.http_settings import HttpSettings
from mover.net.tls import authorities, context

Origin = tuple[str, str, int]
"""Scheme, host and port."""

PORTS: Final = {"http": 80, "https": 443}


class Connections:
    """Idle connections by origin. Its calls may come from any thread."""

    def __init__(self, settings: HttpSettings) -> None:
        """Raises `BadOption` for a proxy that cannot be used."""
        self._settings = settings
        self._proxy = _proxy(settings.proxy)
        self._idle: dict[Origin, list[HTTPConnection]] = {}
        self._lock = Lock()
        self._closed = False

    def take(self, url: str) -> tuple[HTTPConnection, bool]:
        """A connection to where `url` points, and whether it is a fresh one. It is the caller's alone until `keep`.

        Raises:
            OSError: the server cannot be reached, or its certificate does not hold (`ssl.SSLCertVerificationError`).
        """
        origin = _origin(urlsplit(url))
        while True:
            with self._lock:
                waiting = self._idle.get(origin)
                connection = waiting.pop() if waiting else None
            if connection is None:
                return self._made(origin), True
            if _is_quiet(connection.sock):
                return connection, False
            connection.close()

    def keep(self, url: str, connection: HTTPConnection) -> None:
        """Take back a connection whose last answer was read to its end."""
        with self._lock:
            if self._closed:
                connection.close()
            else:
                self._idle.setdefault(_origin(urlsplit(url)), []).append(connection)

    def close(self) -> None:
        """Close every idle connection, and those that come back later."""
        with self._lock:
            self._closed = True
            for connection in [one for waiting in self._idle.values() for one in waiting]:
                connection.close()
            self._idle.clear()

    def target(self, url: str) -> str:
        """What stands in the request line: the path as it was given; the whole address where a proxy is asked for a plain one."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return f"http://{_host(_origin(parts))}{path}" if self._proxy and parts.scheme == "http" else path

    def headers(self, url: str) -> dict[str, str]:
        """The headers that every request to `url` has."""
        origin = _origin(urlsplit(url))
        always = {"host": _host(origin), "user-agent": self._settings.user_agent, "accept": "*/*"}
        return always | _credentials(self._proxy) if self._proxy and origin[0] == "http" else always

    def _made(self, origin: Origin) -> HTTPConnection:
        scheme, host, port = origin
        proxy = self._proxy
        connection = _Connection(*((proxy.hostname or "", proxy.port or PORTS["http"]) if proxy else (host, port)))
        connection.timeout = self._settings.connect
        if proxy is not None and scheme == "https":
            connection.set_tunnel(_bracketed(host), port, _credentials(proxy))
        try:
            connection.connect()
            if scheme == "https":
                # A connection that ends without TLS's farewell is an error: a cut answer must never pass for a whole one.
                connection.sock = self._tls().wrap_socket(
                    connection.sock, server_hostname=host, suppress_ragged_eofs=False
                )
        except BaseException as problem:
            connection.close()
            clear_frames(problem.__traceback__)  # in Debian 12's Python a proxy's answer holds on to the socket
            raise
        return connection

    def _tls(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        return _context(b"\n".join(authorities(file)) if file is not None else None)


_making: Final = Lock()


def _context(more: bytes | None) -> ssl.SSLContext:
    """One for all pools that trust the same authorities: to read the system's takes longer than to copy a hundred small files."""
    with _making:
        return _made_context(more)


@cache
def _made_context(more: bytes | None) -> ssl.SSLContext:
    made = context(more)
    made.set_alpn_protocols(["http/1.1"])
    return made


class _Connection(HTTPConnection):
    auto_open = 0  # it would open again in plain text
    response_class = StrictAnswer


def _origin(parts: SplitResult) -> Origin:
    host = parts.hostname or ""
    return parts.scheme, host if host.isascii() else host.encode("idna").decode(), parts.port or PORTS[parts.scheme]


def _host(origin: Origin) -> str:
    scheme, host, port = origin
    return _bracketed(host) if port == PORTS[scheme] else f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_quiet(sock: socket.socket) -> bool:
    """Whether a resting connection is alive: a server that says something unasked has hung up."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def _proxy(url: str | None) -> SplitResult | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # no address at all: as unusable as the others
        pass
    raise BadOption("large files need a proxy such as http://proxy.example:3128", item="proxy")


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
