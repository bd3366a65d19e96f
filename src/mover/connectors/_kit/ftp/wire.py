"""One control connection, and the data connections it opens. Blocking: it lives in a thread."""

from __future__ import annotations

import contextlib
import ftplib
import select
import socket
import ssl
import time
from typing import Final

from mover.core.errors import Untrusted

KEEPALIVE_SECONDS: Final = 60
"""A control connection is silent while data flows for hours; probes keep routers on the way from forgetting it."""

SESSION_SECONDS: Final = 60.0
"""So long one copy of the TLS session serves; servers renew theirs now and then."""


class Wire(ftplib.FTP_TLS):
    """ftplib's client, with what real servers ask for beyond it.

    The data connection resumes the TLS session of the control connection (vsftpd and ProFTPD refuse others by default: it proves that
    both ends are the same). EPSV (RFC 2428) comes before PASV, and the address in PASV's answer is ignored in favour of the host that
    we already speak to. Text is Latin-1, so that every byte passes. The end of protected data must be signed (`close_notify`).
    """

    def __init__(self, context: ssl.SSLContext | None, *, seconds: float) -> None:
        super().__init__(context=context, timeout=seconds, encoding="latin-1")
        self._extended = True
        self._protects = False
        self._session: ssl.SSLSession | None = None
        self._session_until = 0.0

    def open(self, host: str, port: int, *, implicit: bool) -> None:
        """Connect and hear the greeting; with `implicit`, TLS comes before the first word (RFC 4217, appendix A)."""
        if not implicit:
            self.connect(host, port)
        else:
            self.host, self.port = host, port
            raw = socket.create_connection((host, port), self.timeout)
            self.af = raw.family
            self.sock = self._wrapped(raw, None)
            self.file = self.sock.makefile("r", encoding=self.encoding)
            self.welcome = self.getresp()
        self._keep_alive()

    def protect(self) -> None:
        """Have every data connection encrypted (PROT P).

        Raises:
            Untrusted: the server declines; nothing is sent in the clear instead.
        """
        try:
            self.prot_p()
            self._protects = True
        except (ftplib.error_perm, ftplib.error_temp, ftplib.error_reply) as refusal:
            raise Untrusted(f"the server declines to encrypt data connections (PROT P): {refusal}") from refusal

    def makepasv(self) -> tuple[str, int]:
        """Where the server waits for the next data connection."""
        peer = self._socket().getpeername()
        if self._extended:
            try:
                return ftplib.parse229(self.sendcmd("EPSV"), peer)  # noqa: S321  # only reads an answer
            except (ftplib.error_perm, ftplib.error_proto):
                if self.af != socket.AF_INET:
                    raise
                self._extended = False
        _, port = ftplib.parse227(self.sendcmd("PASV"))  # noqa: S321  # only reads an answer
        return peer[0], port

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Send a transfer command and open its data connection, encrypted if the control connection is."""
        raw, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  # encryption is ours to see to
        if not self._protects:
            return raw, size
        return self._wrapped(raw, self._resumable()), size

    def has_news(self) -> bool:
        """Whether the server has said something unasked: it closed, or is about to (421)."""
        poll = select.poll()
        poll.register(self._socket(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))

    def patience(self, seconds: float) -> None:
        """How long to wait for the next answers."""
        self._socket().settimeout(seconds)

    def cut(self) -> None:
        """Make whoever waits on the connection wake up with an error. The one method that another thread may call."""
        if self.sock is not None:
            cut(self.sock)

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise EOFError("the connection is closed")
        return self.sock

    def _resumable(self) -> ssl.SSLSession | None:
        """The TLS session of the control connection. Asking for it copies it, which costs as much as a handshake: so not each time."""
        control = self._socket()
        now = time.monotonic()
        if isinstance(control, ssl.SSLSocket) and now >= self._session_until:
            self._session, self._session_until = control.session, now + SESSION_SECONDS
        return self._session

    def _wrapped(self, raw: socket.socket, session: ssl.SSLSession | None) -> ssl.SSLSocket:
        try:
            return self.context.wrap_socket(raw, server_hostname=self.host, session=session, suppress_ragged_eofs=False)
        except BaseException:
            raw.close()
            raise

    def _keep_alive(self) -> None:
        control = self._socket()
        control.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            if option := getattr(socket, name, None):
                control.setsockopt(socket.IPPROTO_TCP, option, KEEPALIVE_SECONDS)


def cut(connection: socket.socket) -> None:
    """Shut a connection down below TLS, so that a thread that reads it meets an error and never a quiet end."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def say_goodbye(connection: socket.socket, *, seconds: float) -> None:
    """Sign the end of what we sent (`close_notify`), then end our direction. Does not wait for the other side's signature."""
    if isinstance(connection, ssl.SSLSocket):
        connection.setblocking(False)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                connection.unwrap()
            except ssl.SSLWantWriteError:
                poll = select.poll()
                poll.register(connection, select.POLLOUT)
                poll.poll(1000)
            except OSError:  # SSLWantReadError: signed, and the other side has not answered
                break
            else:
                break
        connection.settimeout(seconds)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)
