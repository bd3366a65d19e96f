"""One data connection: a file or listing that comes, or a file that goes. Blocking."""

from __future__ import annotations

import contextlib
import ftplib
import ssl
from collections.abc import Generator
from typing import Final

from mover.connectors._kit.ftp.errors import broken, error_for
from mover.connectors._kit.ftp.session import Session
from mover.connectors._kit.ftp.wire import say_goodbye
from mover.core.errors import Changed, Denied, MoverError, Refused, Unreachable

LISTING_BYTES: Final = 1 << 30
"""A listing of one folder may have that many bytes (some ten million names)."""

_STOPPING: Final = 10.0
"""How long a server may take to notice that we left a transfer, in seconds."""

_PIECE: Final = 1 << 18


class Transfer:
    """What coming and going share: the data connection, and the reply at its end."""

    def __init__(self, session: Session, verb: str, path: str | None, start: int = 0) -> None:
        self._session = session
        self.item = path
        line = verb if path is None else f"{verb} {session.wired(path)}"
        with session.guarded(path):
            try:
                self._data = session.wire.transfercmd(line, start or None)
            except (ssl.SSLError, ConnectionResetError) as problem:
                self._explain(problem)
                raise
        session.data = self._data
        self.open = True

    def stop(self) -> None:
        """Leave the transfer where it is. The connection can be used on, unless the server does not answer for long."""
        if not self.open:
            return
        self._hang_up()
        wire = self._session.wire
        with contextlib.suppress(MoverError), self._session.guarded(self.item):
            wire.patience(_STOPPING)
            with contextlib.suppress(ftplib.error_temp, ftplib.error_perm):
                wire.voidresp()
            wire.patience(self._session.settings.idle)

    def _ended(self) -> str:
        """The reply at the end of a transfer."""
        with self._session.guarded(self.item):
            return self._session.wire.voidresp()

    def _hang_up(self) -> None:
        self.open = False
        self._session.data = None
        self._data.close()

    @contextlib.contextmanager
    def _guarded(self) -> Generator[None]:
        """If the data connection breaks, the server's own reason counts, where it gives one; the control connection lives on."""
        try:
            yield
        except OSError as problem:
            if self._session.broken:
                raise broken(problem, self._session.settings.host) from problem
            self._hang_up()
            with self._session.guarded(self.item):
                self._explain(problem)
            raise broken(problem, self._session.settings.host) from problem

    def _explain(self, problem: OSError) -> None:
        """Raise the server's reply about a data connection that failed, if one comes."""
        if isinstance(problem, ssl.SSLCertVerificationError | ftplib.Error):
            return
        wire = self._session.wire
        wire.patience(_STOPPING)
        try:
            wire.voidresp()
        except (ftplib.error_perm, ftplib.error_temp) as reason:
            wire.patience(self._session.settings.idle)
            raise error_for(str(reason), item=self.item) from problem
        wire.patience(self._session.settings.idle)


class Incoming(Transfer):
    """Bytes that the server sends. `count` is how many came."""

    def __init__(self, session: Session, verb: str, path: str | None, start: int = 0) -> None:
        super().__init__(session, verb, path, start)
        self.count = 0
        self._unsigned = False

    def take(self, amount: int) -> bytes:
        """The next `amount` bytes; fewer only at the end, which is then known to be the true one.

        Raises:
            Unreachable: the data was cut.
        """
        buffer = bytearray(amount)
        view, filled = memoryview(buffer), 0
        with self._guarded():
            while filled < amount and (got := self._read_into(view[filled:])):
                filled += got
        self.count += filled
        view.release()
        del buffer[filled:]
        return bytes(buffer)

    def finish(self, *, expected: int | None = None) -> str:
        """After the last byte: the server's final reply.

        Raises:
            Changed: the server sent all it has, and that is not `expected` bytes.
            Unreachable: the end of protected data was not signed, and nobody knows how many bytes it should be.
        """
        with contextlib.suppress(OSError):
            say_goodbye(self._data, seconds=_STOPPING)
        self._hang_up()
        reply = self._ended()
        if expected is not None and self.count != expected:
            raise Changed(f"{expected} bytes were listed, {self.count} came", item=self.item)
        if self._unsigned and expected is None:
            raise Unreachable("the server did not sign the end of the data (TLS close_notify): it may have been cut")
        return reply

    def _read_into(self, view: memoryview) -> int:
        try:
            return self._data.recv_into(view, min(len(view), _PIECE))
        except ssl.SSLEOFError:
            self._unsigned = True
            return 0


class Outgoing(Transfer):
    """Bytes that the server takes. `count` is how many went."""

    def __init__(self, session: Session, verb: str, path: str, start: int = 0) -> None:
        super().__init__(session, verb, path, start)
        self.count = 0

    def give(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            Full, Denied, ...: the server broke off, and said why.
            Unreachable: the connection broke.
        """
        with self._guarded():
            self._data.sendall(data)
        self.count += len(data)

    def finish(self) -> None:
        """Sign the end and wait until the server has it all."""
        with self._guarded():
            say_goodbye(self._data, seconds=self._session.settings.idle)
        reply: MoverError | None = None
        try:
            self._ended()
        except MoverError as refusal:
            reply = refusal
        self._hang_up()
        if reply is not None:
            raise reply


def listing(session: Session, verb: str, path: str | None) -> bytes:
    """All bytes of a listing.

    Raises:
        Denied: the server ended well but said that it could not read the folder (vsftpd).
        Refused: the listing is longer than any should be.
        Unreachable: it was cut.
    """
    incoming = Incoming(session, verb, path)
    parts: list[bytes] = []
    while incoming.count <= LISTING_BYTES and (part := incoming.take(_PIECE)):
        parts.append(part)
    if incoming.count > LISTING_BYTES:
        incoming.stop()
        raise Refused(f"a listing of more than {LISTING_BYTES} bytes", item=path)
    reply = incoming.finish()
    if "failed to open" in reply.lower():
        raise Denied(f"the server said: {reply}", item=path)
    return b"".join(parts)
