"""What a server wrote after its connection had broken, and we had cleared away: gone when the pass is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.witness.moving import local, move

from mover.connectors.local.client import Local
from mover.core.connector import NOTHING
from mover.core.errors import Unreachable
from mover.core.model import Attributes, Body, Entry, ItemId
from mover.core.temporary import temporary_name

pytestmark = pytest.mark.anyio


async def test_a_late_file_of_a_broken_connection_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "from" / "folder").mkdir(parents=True)
    (tmp_path / "from" / "folder" / "file").write_bytes(b"content")
    write, broken = Local.write, []

    async def breaks_once(
        self: Local, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING
    ) -> Entry:
        if not broken:
            late = tmp_path / str(folder) / temporary_name(attributes.mark)
            late.write_bytes(b"cont")
            broken.append(late)
            raise Unreachable("cut")
        return await write(self, folder, name, body, attributes)

    monkeypatch.setattr(Local, "write", breaks_once)
    moved = await move(local(tmp_path / "from"), local(tmp_path / "to"), tmp_path / "home")
    assert broken and moved.not_done() == {}
    assert [str(p.relative_to(tmp_path / "to")) for p in (tmp_path / "to").rglob("*") if p.is_file()] == ["folder/file"]
