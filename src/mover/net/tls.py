"""TLS as every connection of ours speaks it that is not HTTP by pyreqwest or SSH."""

from __future__ import annotations

import re
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mover.core.errors import BadOption

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_UNSIGNED_END: Final = "UNEXPECTED_EOF_WHILE_READING"


def context(more: bytes | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer; the certificate must hold and name the host.

    `more` are certificates in PEM form that are trusted beside the system's authorities. An end of the connection that the other
    side did not sign (RFC 8446 §6.1, close_notify) is `ssl.SSLEOFError`, if sockets are wrapped with `suppress_ragged_eofs=False`:
    whoever sits on the way can end a TCP connection, and a cut file must never pass for a whole one.

    Raises:
        BadOption: `more` holds what is no certificate.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python up to 3.11.3, Debian 12's among them, sets this and so takes a cut for an end (github.com/python/cpython/issues/95494).
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    made.sslsocket_class = _Socket
    if more is not None:
        try:
            made.load_verify_locations(cadata=more.decode("ascii", "replace"))
        except ssl.SSLError as problem:
            raise BadOption(
                f"a certificate that is to be trusted cannot be read: {problem}", item="ca_file"
            ) from problem
    return made


def authorities(file: Path) -> list[bytes]:
    """The certificates in a PEM file.

    Raises:
        BadOption: it cannot be read, or holds none.
    """
    try:
        found = _PEM.findall(file.read_bytes())
    except OSError as problem:
        raise BadOption(f"cannot read the authorities in {file}: {problem.strerror}", item="ca_file") from problem
    if not found:
        raise BadOption(f"{file} holds no certificate in PEM form", item="ca_file")
    return found


def context_with(ca_file: str | None) -> ssl.SSLContext:
    """As `context`, with the certificates in a file. Raises as `authorities`."""
    return context(b"\n".join(authorities(Path(ca_file))) if ca_file else None)


class _Socket(ssl.SSLSocket):
    """Tells an unsigned end by the same error in every Python."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ssl.SSLError as problem:
            _tell(problem)
            raise

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        try:
            return super().recv_into(buffer, nbytes, flags)
        except ssl.SSLError as problem:
            _tell(problem)
            raise

    def unwrap(self) -> socket.socket:
        try:
            return super().unwrap()
        except ssl.SSLError as problem:
            _tell(problem)
            raise


def _tell(problem: ssl.SSLError) -> None:
    if problem.reason == _UNSIGNED_END and not isinstance(problem, ssl.SSLEOFError):
        raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, problem.strerror) from problem
