"""Where a server will not rename onto a file, the old one goes aside for a moment. It is the user's: it must never carry a run's mark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.ftp_tools import ROOT, odd_server, opened
from tests.sites.base import Site

from mover.conformance.bodies import Sent
from mover.connectors.registry import connect, spec
from mover.connectors.sftp.channel import Channel
from mover.connectors.sftp.packets import Kind
from mover.core.errors import ItemError
from mover.core.model import Attributes
from mover.core.options import Options
from mover.core.temporary import is_temporary, mark_of, mark_of_pass

pytestmark = pytest.mark.anyio
MARK = mark_of_pass("0123456789abcdef", 1)


async def test_over_ftp(tmp_path: Path) -> None:
    extra = """
import os
def ftp_RNTO(self, path, real=Handler.ftp_RNTO):
    if os.path.isfile(path):
        self.respond("550 Cannot create a file when that file already exists.")
    else:
        return real(self, path)
def ftp_DELE(self, path):
    self.respond("550 No.")
Handler.ftp_RNTO = ftp_RNTO
Handler.ftp_DELE = ftp_DELE
"""
    with odd_server(tmp_path, extra) as site:
        async with opened(site) as connector:
            await connector.write(ROOT, "x", Sent(b"old"))
            with pytest.raises(ItemError):
                await connector.write(ROOT, "x", Sent(b"new"), Attributes(mark=MARK))
        assert site.folder is not None
        (aside,) = [file for file in site.folder.iterdir() if file.name != "x"]
        assert aside.read_bytes() == b"old"
        assert is_temporary(aside.name)
        assert mark_of(aside.name) is None


async def test_over_sftp(site: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    renamed: list[bytes] = []
    real = Channel.ask

    def noting(self: Channel, kind: Kind, payload: bytes) -> Any:
        if kind is Kind.RENAME:
            renamed.append(payload)
        return real(self, kind, payload)

    monkeypatch.setattr(Channel, "ask", noting)
    place = site("openssh")
    async with connect(Options(spec("sftp"), place.options)) as connector:
        (await connector._links.channel()).extensions.pop(b"posix-rename@openssh.com")  # pyright: ignore[reportAttributeAccessIssue]  # ours
        folder = (await connector.make_folder(ROOT, "set aside")).id
        await connector.write(folder, "x", Sent(b"old"))
        renamed.clear()
        await connector.write(folder, "x", Sent(b"new"), Attributes(mark=MARK))
        assert [entry.name for entry in (await connector.list(folder)).entries] == ["x"]
    refused, away, in_place = renamed
    assert MARK.encode() in refused
    assert MARK.encode() not in away
    assert MARK.encode() in in_place
