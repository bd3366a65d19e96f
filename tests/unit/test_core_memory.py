"""What the memory connector does beyond the conformance suite, and how a connector is found by its key."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mover.conformance.bodies import Sent
from mover.connectors import registry
from mover.connectors.memory.client import Memory
from mover.core.errors import BadOption, Conflict, NotFound
from mover.core.model import Entry, ItemId, Kind
from mover.core.options import Options


@pytest.mark.anyio
async def test_every_connection_is_an_account_of_its_own() -> None:
    options = Options(registry.spec("memory"), {})
    async with registry.connect(options) as one, registry.connect(options) as other:
        await one.write((await one.root()).id, "file", Sent(b"x"))
        assert (await other.list((await other.root()).id)).entries == ()


@pytest.mark.anyio
async def test_replacing_keeps_the_id_and_changes_the_version() -> None:
    memory = Memory()
    root = (await memory.root()).id
    old = await memory.write(root, "file", Sent(b"x"))
    new = await memory.write(root, "file", Sent(b"y"))
    assert old.id == new.id
    assert old.version != new.version


@pytest.mark.anyio
async def test_a_folder_that_is_gone_takes_nothing() -> None:
    memory = Memory()
    with pytest.raises(NotFound):
        await memory.write(ItemId("77"), "file", Sent(b"x"))
    folder = await memory.make_folder((await memory.root()).id, "folder")
    await memory.write(folder.id, "file", Sent(b"x"))
    with pytest.raises(Conflict):
        await memory.remove(folder.id)
    with pytest.raises(NotFound):
        async with memory.read(Entry(ItemId("77"), None, "x", Kind.FILE)):
            pass


def test_an_unknown_connector_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadOption, match=r"no connector s4; there are: .*local, memory"):
        registry.spec("s4")


def test_every_spec_is_under_its_own_key_in_order() -> None:
    assert list(registry.OURS) == sorted(registry.OURS)
    assert [key for key, spec in registry.specs().items() if key != spec.key] == []


def test_listing_the_connectors_loads_no_client() -> None:
    told = "import sys; from mover.connectors import registry; registry.specs(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split()
    assert [name for name in loaded if name.startswith("mover.") and name.endswith(".client")] == []
    assert [name for name in loaded if name.startswith(("mover.net", "mover.crypto", "asyncssh", "pyreqwest"))] == []
