"""What the tests of FTP share: connections that can be cut, servers that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import cast

import pytest
from tests.sites import pyftpdlib_server
from tests.sites.base import Site

from mover.conformance.bodies import Sent
from mover.connectors._kit.ftp import wire
from mover.connectors._kit.ftp.client import Ftp
from mover.connectors._kit.ftp.session import Session
from mover.connectors.ftp.spec import SPEC as FTP
from mover.connectors.ftps.spec import SPEC as FTPS
from mover.connectors.registry import connect
from mover.core.model import Entry, ItemId
from mover.core.options import Options

ROOT = ItemId("")
MIB = 1 << 20


def opened(site: Site, **changes: str | int | bool) -> AbstractAsyncContextManager[Ftp]:
    """The connector at a site, with some options changed."""
    spec = FTPS if site.connector == "ftps" else FTP
    return cast("AbstractAsyncContextManager[Ftp]", connect(Options(spec, {**site.options, **changes})))


@contextmanager
def odd_server(folder: Path, extra: str, *, secure: bool = False) -> Generator[Site]:
    """Pyftpdlib with some Python of the test's own."""
    with pyftpdlib_server.serving(folder, tls=secure, extra=extra) as site:
        yield site


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Every connection that was opened during the test."""
    made: list[Session] = []
    real = Session.open

    def noting(*args: object) -> Session:
        made.append(real(*args))  # pyright: ignore[reportArgumentType]  # passes on what it is given
        return made[-1]

    monkeypatch.setattr(Session, "open", noting)
    return made


def cut_all(sessions: list[Session]) -> None:
    """Break every connection as a network does: without a word."""
    for session in sessions:
        if session.wire.sock is not None:
            wire.cut(session.wire.sock)
        if session.data is not None:
            wire.cut(session.data)


class Cutting(Sent):
    """A body that breaks all connections after its first pieces."""

    def __init__(self, data: bytes, sessions: list[Session]) -> None:
        super().__init__(data, streamed=True, piece=MIB)
        self._sessions = sessions

    async def chunks(self) -> AsyncIterator[bytes]:
        count = 0
        async for chunk in super().chunks():
            yield chunk
            count += 1
            if count == 3:
                cut_all(self._sessions)


async def content(connector: Ftp, item: Entry) -> bytes:
    async with connector.read(item) as body:
        return body.whole if body.whole is not None else b"".join([c async for c in body.chunks()])
