"""The connections that large bodies travel on: made, proved, kept for the next, and told apart from dead ones."""

from __future__ import annotations

import base64
import select
import socket
import ssl
from http.client import HTTPConnection
from threading import Lock
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mover.core.errors import BadOption
from mover.net.http_settings import HttpSettings, authorities

Origin = tuple[str, str, int]
"""Scheme, host and port."""

PORTS: Final = {"http": 80, "https": 443}


class Connections:
    """Idle connections by origin. Its calls may come from any thread."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._idle: dict[Origin, list[HTTPConnection]] = {}
        self._context: ssl.SSLContext | None = None
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
        return f"http://{parts.netloc}{path}" if self._settings.proxy and parts.scheme == "http" else path

    def headers(self, url: str) -> dict[str, str]:
        """The headers that every request to `url` has."""
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        host = place.removesuffix(f":{PORTS[parts.scheme]}")
        return {"host": host, "user-agent": self._settings.user_agent, "accept": "*/*"}

    def _made(self, origin: Origin) -> HTTPConnection:
        scheme, host, port = origin
        proxy = _proxy(self._settings.proxy)
        connection = HTTPConnection(*((proxy.hostname or "", proxy.port) if proxy else (host, port)))
        connection.timeout = self._settings.connect
        connection.auto_open = 0  # it would open again in plain text
        if proxy is not None and scheme == "https":
            connection.set_tunnel(host, port, _credentials(proxy))
        connection.connect()
        try:
            if scheme == "https":
                # A connection that ends without TLS's farewell is an error: a cut answer must never pass for a whole one.
                connection.sock = self._tls().wrap_socket(
                    connection.sock, server_hostname=host, suppress_ragged_eofs=False
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                context = ssl.create_default_context()
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                context.set_alpn_protocols(["http/1.1"])
                if self._settings.ca_file is not None:
                    pem = b"\n".join(authorities(self._settings.ca_file))
                    context.load_verify_locations(cadata=pem.decode("ascii", "replace"))
                self._context = context
            return self._context


def _origin(parts: SplitResult) -> Origin:
    return parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]


def _is_quiet(sock: socket.socket) -> bool:
    """Whether a resting connection is alive: a server that says something unasked has hung up."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def _proxy(url: str | None) -> SplitResult | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.port is None:
        raise BadOption("large files need a proxy such as http://proxy.example:3128", item="proxy")
    return parts


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
