"""One request and its answer by blocking calls: what an exchange's thread does. HTTP/1.1 by the standard library's `http.client`."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from typing import Final

from mover.net._bulk_answer import Told, is_header, told
from mover.net._bulk_connections import Connections

PIECE: Final = 1 << 18
"""Bytes handed to the socket in one call: the time without a sign of life is counted for each by itself."""

SLOWEST: Final = 1 << 14
"""Bytes per second below which a body counts as stalled."""

BUFFERED: Final = 1 << 22
"""Bytes of a body that may lie in buffers on their way, where nobody sees them move."""

_REFUSALS: Final = 300
"""Statuses from here on do not say that a body was taken."""

_CUT: Final = (ConnectionError, ssl.SSLEOFError)


class Wire:
    """The calls come one after the other, from one thread: `ask`, or `begin`, `send`..., `answer`; then `read`...; `end`.

    Raises, from every call: OSError, `http.client.HTTPException`, EOFError when the connection cannot be made or breaks,
    TimeoutError when no byte moves for `idle` seconds, ValueError for a request that HTTP has no form for.
    """

    def __init__(self, connections: Connections, idle: float, method: str, url: str) -> None:
        self._connections, self._idle = connections, idle
        self._method, self._url = method, url
        self._connection: HTTPConnection | None = None
        self._sock: socket.socket | None = None
        self._response: HTTPResponse | None = None
        self._size: int | None = 0
        self._sent = 0
        self._to_come: int | None = None
        self._broken = False

    def ask(self, headers: Mapping[str, str], body: bytes | None) -> Told:
        """A whole request with a small body or none. It is sent again if a connection that had rested turns out to be dead."""
        if body is not None:
            headers = {**headers, "content-length": str(len(body))}
        while True:  # ends with the first fresh connection
            connection, fresh = self._taken()
            try:
                self._head(connection, headers, body)
                return self.answer()
            except _CUT:
                connection.close()
                if fresh or self._broken:
                    raise

    def begin(self, headers: Mapping[str, str], size: int | None) -> None:
        """Send the head of a request whose body has `size` bytes; `None`: it is sent in chunked encoding."""
        self._size = size
        connection, _ = self._taken()
        length = {"transfer-encoding": "chunked"} if size is None else {"content-length": str(size)}
        self._head(connection, {**headers, **length}, None)

    def send(self, data: bytes) -> bool:
        """Send a piece of the body. `False`: the server has stopped listening; its answer may say why."""
        if not data:  # as a chunk it would be the end
            return True
        self._sent += len(data)
        if self._size is None:
            return self._push(b"%x\r\n" % len(data), data, b"\r\n")
        return self._push(data)

    def answer(self) -> Told:
        """Wait for the answer to what was sent."""
        connection = self._there()
        if self._size is None and not self._broken:
            self._push(b"0\r\n\r\n")
        self._patience(self._idle + min(self._sent, BUFFERED) / SLOWEST)
        self._response = response = connection.getresponse()
        self._to_come = response.length
        if response.status < _REFUSALS and not self._all_sent:
            raise ConnectionAbortedError("the server said yes before it had everything")
        return told(response)

    def read(self, amount: int) -> bytes:
        """Up to `amount` bytes of the answer's body; empty at its end. A body that was cut raises EOFError there."""
        if self._response is None:
            raise RuntimeError("there is no answer to read yet")
        if self._response.isclosed():
            data = b""
        else:
            self._patience(self._idle)
            data = self._response.read(amount)
        if self._to_come is not None:
            self._to_come -= len(data)
            if self._to_come and not data:
                raise EOFError(f"{self._to_come} bytes are missing")
        return data

    def end(self) -> None:
        """Keep the connection for others if everything was sent and read, else close it."""
        connection, response, self._connection = self._connection, self._response, None
        if connection is None:
            return
        if response is not None and response.isclosed() and not response.will_close and self._all_sent:
            self._connections.keep(self._url, connection)
            return
        if response is not None:
            response.close()
        connection.close()

    def wake(self) -> None:
        """From another thread: make the call under way fail now. While a connection is being made, it fails when that is done."""
        self._broken = True
        if self._sock is not None:
            try:
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
            except OSError:
                return

    @property
    def _all_sent(self) -> bool:
        return not self._broken and self._size in (None, self._sent)

    def _taken(self) -> tuple[HTTPConnection, bool]:
        connection, fresh = self._connections.take(self._url)
        self._connection, self._sock = connection, connection.sock
        if self._broken:
            raise ConnectionAbortedError("given up while connecting")
        return connection, fresh

    def _head(self, connection: HTTPConnection, headers: Mapping[str, str], body: bytes | None) -> None:
        self._patience(self._idle + PIECE / SLOWEST)
        target = self._connections.target(self._url)
        connection.putrequest(self._method, target, skip_host=True, skip_accept_encoding=True)
        given = {name.lower(): value for name, value in headers.items()}
        for name, value in {**self._connections.headers(self._url), **given}.items():
            if not is_header(name, value):
                raise ValueError("a header has characters that HTTP does not allow")
            connection.putheader(name, value.encode())
        connection.endheaders(body)

    def _push(self, *pieces: bytes) -> bool:
        connection = self._there()
        try:
            for piece in pieces:
                view = memoryview(piece)
                for at in range(0, len(view), PIECE):
                    connection.send(view[at : at + PIECE])
        except _CUT:
            self._broken = True
        return not self._broken

    def _patience(self, seconds: float) -> None:
        if self._sock is not None:
            self._sock.settimeout(seconds)

    def _there(self) -> HTTPConnection:
        if self._connection is None:
            raise RuntimeError("the request was not begun")
        return self._connection
