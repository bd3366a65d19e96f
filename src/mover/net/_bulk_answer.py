"""An answer read by the letter: `http.client` forgives what would let a cut body pass for a whole one, or a server talk without end."""

from __future__ import annotations

import re
import socket
from email.errors import MissingHeaderBodySeparatorDefect
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from io import BufferedReader
from typing import Final

Told = tuple[int, list[tuple[str, str]]]
"""The status and the headers of an answer."""

HEAD: Final = 1 << 18
"""Bytes that an answer's head may have, with all that comes before it; and those before a chunk, and after the last."""

_FINAL: Final = 200
"""The lowest status that ends an exchange; those below are interim."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH: Final = re.compile(r"[0-9]{1,19}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class StrictAnswer(HTTPResponse):
    """Raises `HTTPException` for an answer that can be understood in more than one way, ConnectionError where it was cut."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = self._lines = _Lines(self.fp.detach())
        self._left: int | None = None

    def begin(self) -> None:
        """Read the head; those of interim answers (RFC 9110 §15.2) are passed over."""
        while True:  # ends with `HEAD`
            super().begin()
            if self.status >= _FINAL:
                break
            self.headers = None  # pyright: ignore[reportAttributeAccessIssue]  # it reads the next head only then
        if self.length == 0:
            self.chunked = False
        self._must_be_clear()

    def read(self, amt: int | None = None) -> bytes:
        """Up to `amt` bytes; fewer at the end only."""
        return self._of_chunks(amt) if self.chunked and amt is not None else super().read(amt)

    def _must_be_clear(self) -> None:
        """Where the body ends must be beyond doubt (RFC 9112 §6.3)."""
        if any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in self.headers.defects):
            raise HTTPException("a line of the answer's head is no header")
        if not self.chunked and self.length != 0 and "transfer-encoding" in self.headers:
            raise HTTPException("the answer's transfer-encoding is not known")
        lengths = {value.strip() for value in self.headers.get_all("content-length", [])}
        if not self.chunked and (len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths))):
            raise HTTPException("the answer's content-length is no number")

    def _of_chunks(self, amount: int) -> bytes:
        got: list[bytes] = []
        while amount and not self.isclosed():
            if not self._left:
                self._next_chunk()
                continue
            piece = self.fp.read(min(amount, self._left))
            if not piece:
                raise IncompleteRead(b"", self._left)
            got.append(piece)
            amount -= len(piece)
            self._left -= len(piece)
        return b"".join(got)

    def _next_chunk(self) -> None:
        self._lines.room = HEAD
        if self._left is not None and self._lines.readline(2) != b"\r\n":
            raise HTTPException("a chunk is longer than it says")
        found = _CHUNK.fullmatch(self._lines.readline(HEAD))
        if found is None:
            raise HTTPException("a chunk's size is no number")
        self._left = int(found[1], 16)
        if self._left == 0:
            while self._lines.readline(HEAD) not in (b"\r\n", b"\n"):
                continue
            self.close()


def told(response: HTTPResponse) -> Told:
    """Status and headers, as they may be handed on.

    Raises:
        HTTPException: a header has characters that HTTP does not allow.
    """
    headers = [(name, _ascii(" ".join(value.split("\r\n")).strip())) for name, value in response.headers.items()]
    if not all(is_header(name, value) for name, value in headers):
        raise HTTPException("a header of the answer has characters that HTTP does not allow")
    return response.status, headers


def is_header(name: str, value: str) -> bool:
    """Whether HTTP has a form for it (RFC 9110 §5.1, §5.5)."""
    return _NAME.fullmatch(name) is not None and _CONTROL.search(value) is None


def _ascii(value: str) -> str:
    """A header as it may be handed on: HTTP knows no other characters (RFC 9110 §5.5)."""
    return value if value.isascii() else value.encode("ascii", "backslashreplace").decode()


class _Lines(BufferedReader):
    """Its lines are whole, and they end."""

    room = HEAD

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.room -= len(line)
        if self.room < 0:
            raise HTTPException("the answer's head has no end")
        if not line.endswith(b"\n") and (size is None or size < 0 or len(line) < size):
            raise RemoteDisconnected("the connection ended within the answer's head")
        return line
