"""A signed-in connection to a server. Blocking: one thread at a time, save for `kill`."""

from __future__ import annotations

import contextlib
import ftplib
import socket
import time
from collections.abc import Generator
from dataclasses import replace
from typing import Final

from mover.connectors._kit.ftp import features as said
from mover.connectors._kit.ftp.errors import broken, error_for, readable
from mover.connectors._kit.ftp.features import Features
from mover.connectors._kit.ftp.names import IAC, from_wire, to_wire
from mover.connectors._kit.ftp.settings import Security, Settings
from mover.connectors._kit.ftp.wire import Wire, cut
from mover.core.errors import MoverError, NotFound, Unreachable, Untrusted
from mover.core.model import ItemId

LONGEST_REST: Final = 600.0
"""A connection that nobody used for so many seconds is not trusted to be alive still."""

_GOODBYE: Final = 3.0


class Session:
    """One control connection after sign-in: binary transfers, protected data connections, UTF-8 asked for.

    After a failure of the connection itself `broken` is set, and it must not be used again. Methods raise `core.errors`.
    """

    def __init__(self, settings: Settings, wire: Wire, features: Features | None = None) -> None:
        self.settings = settings
        self.wire = wire
        self.features = features or Features()
        self.base = ""
        self.broken = False
        self.data: socket.socket | None = None
        self._used = time.monotonic()
        self._here = ""

    @classmethod
    def open(cls, settings: Settings, features: Features | None = None) -> Session:
        """Connect and sign in. `features` are those that an earlier connection learned.

        Raises:
            Untrusted: the certificate does not hold, or the server declines to encrypt.
            BadCredentials: user or password is wrong.
            NotFound: the folder that is to be the root is not there.
            Unreachable: no connection, or no TLS.
        """
        session = cls(settings, Wire(settings.context, seconds=settings.connect), features)
        try:
            session._sign_in()
            session._agree(learn=features is None)
            session._go_to_root()
            session.wire.patience(settings.idle)
        except BaseException:
            session.close()
            raise
        return session

    def path(self, item: ItemId) -> str:
        """The absolute path of an item on the server."""
        return f"{self.base.rstrip('/')}/{item}" if item else self.base

    def wired(self, path: str) -> str:
        """A path as it stands in a command. Raises `Unfit` if it cannot."""
        wired = to_wire(path, self.settings.encoding)
        return wired.replace(IAC, IAC + IAC) if IAC in wired and self._known().telnet else wired

    def command(self, verb: str, path: str | None = None) -> str:
        """Send a command, about `path` if given; the answer (2xx or 3xx). Others are raised as what they mean."""
        line = verb if path is None else f"{verb} {self.wired(path)}"
        with self.guarded(path):
            return self.wire.sendcmd(line)

    def enter(self, path: str) -> None:
        """Make `path` the server's working folder."""
        if self._here != path:
            self._here = ""
            self.command("CWD", path)
            self._here = path

    def forget_place(self) -> None:
        """The working folder may be gone."""
        self._here = ""

    @contextlib.contextmanager
    def guarded(self, item: str | None = None) -> Generator[None]:
        """Turn what ftplib raises into `core.errors`, and note if the connection is of no more use."""
        try:
            yield
        except (ftplib.error_perm, ftplib.error_temp) as refusal:
            self.broken |= str(refusal)[:3] == "421"
            raise error_for(str(refusal), item=item) from refusal
        except ftplib.Error as confusion:
            self.broken = True
            raise Unreachable(f"{self.settings.host} answered out of turn: {readable(str(confusion))}") from confusion
        except (OSError, EOFError) as problem:
            self.broken = True
            raise broken(problem, self.settings.host) from problem

    def stale(self) -> bool:
        """Whether the connection has died, or may have, since it was last used."""
        return self.broken or time.monotonic() - self._used > LONGEST_REST or self.wire.has_news()

    def touch(self) -> None:
        """Note that the connection was just used."""
        self._used = time.monotonic()

    def kill(self) -> None:
        """Wake up the thread that waits here, with an error. May be called from another thread."""
        self.broken = True
        self.wire.cut()
        if (data := self.data) is not None:
            cut(data)

    def close(self) -> None:
        """End the connection, politely if it works."""
        if not self.broken:
            with contextlib.suppress(OSError, EOFError, ftplib.Error):
                self.wire.patience(_GOODBYE)
                self.wire.quit()
        self.broken = True
        if self.data is not None:
            self.data.close()
        self.wire.close()

    def _sign_in(self) -> None:
        at, security = self.settings, self.settings.security
        with self.guarded():
            self.wire.open(at.host, at.port, implicit=security is Security.IMPLICIT)
        if security is Security.EXPLICIT:
            self._begin_tls()
        with self.guarded():
            name, word = (text.encode().decode("latin-1") for text in (at.user, at.password.reveal()))
            self.wire.login(name, word, secure=False)
        if security is not Security.NONE:
            with self.guarded():
                self.wire.protect()

    def _begin_tls(self) -> None:
        with self.guarded():
            try:
                self.wire.auth()
            except (ftplib.error_perm, ftplib.error_temp) as refusal:
                raise Untrusted(
                    f"{self.settings.host} does not offer TLS (AUTH TLS): {readable(str(refusal))}"
                ) from refusal

    def _agree(self, *, learn: bool) -> None:
        if learn:
            lines = said.parsed(self._asked("FEAT"))
            self.features = Features(lines, self.wire.welcome or "", self._asked("SYST")[4:])
            if self.features.has("MDTM") and not self.features.sets_times:
                self._known()
        if self.settings.encoding == "utf-8":
            self._asked("OPTS UTF8 ON")
        if self.features.facts and self.features.asks_facts:
            self._asked(f"OPTS MLST {said.WANTED_FACTS}")
        self.command("TYPE I")

    def _known(self) -> Features:
        """The features with what STAT tells of the server's maker, where something depends on it."""
        if not self.features.status:
            self.features = replace(self.features, status=self._asked("STAT") or "-")
        return self.features

    def _asked(self, question: str) -> str:
        """The answer to a question that a server may not understand; "" then."""
        try:
            return self.command(question)
        except MoverError:
            if self.broken:
                raise
            return ""

    def _go_to_root(self) -> None:
        if self.settings.folder:
            try:
                self.command("CWD", self.settings.folder)
            except MoverError as problem:
                if self.broken:
                    raise
                raise NotFound(f"the server has no folder {self.settings.folder}: {problem.detail}") from problem
        answer = self.command("PWD")
        with self.guarded():
            place = ftplib.parse257(answer)  # noqa: S321  # only reads an answer
        self.base = from_wire(place.encode("latin-1"), self.settings.encoding) or "/"
        self._here = self.base
