"""A folder that cannot be listed: what is in it fails, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from tests.engine.faulty import Faults, Faulty
from tests.engine.harness import fill, run, tree

from mover.connectors.memory.client import Memory
from mover.core.errors import Denied, ItemError, MoverError, Refused
from mover.core.model import ItemId
from mover.core.states import State

pytestmark = pytest.mark.anyio

FILES = {"a": b"1", "closed/b": b"2", "closed/deep/c": b"3", "open/d": b"4", "open/closed/e": b"5", "z": b"6"}
INSIDE = {"closed/b", "closed/deep/c"}


async def filled(files: dict[str, bytes]) -> Memory:
    memory = Memory()
    await fill(memory, files)
    return memory


async def closed(memory: Memory, problem: MoverError) -> Faulty:
    """The connection, whose folder `closed` cannot be listed."""
    root = await memory.root()
    folder = next(e.id for e in (await memory.list(root.id)).entries if e.name == "closed")
    return Faulty(memory, Faults({"list": at(folder, problem)}))


def at(folder: ItemId, problem: MoverError) -> Callable[[int, str], MoverError | None]:
    return lambda _, about: problem if about == folder else None


@pytest.mark.parametrize("problem", [Denied("not yours"), Refused("not now")])
@pytest.mark.parametrize("side", ["source", "destination"])
async def test_only_what_is_in_it_fails(side: str, problem: ItemError) -> None:
    source, destination = await filled(FILES), await filled({"closed/old": b"0"})
    with anyio.fail_after(20):
        if side == "source":
            result = await run(await closed(source, problem), destination)
        else:
            result = await run(source, await closed(destination, problem))
    assert result.ending.state == "done"
    assert result.lines.pop("closed").detail in (
        problem.detail,
        f"the folder at the destination cannot be listed: {problem.detail}",
    )
    assert {path: line.state for path, line in result.lines.items()} == dict.fromkeys(set(FILES) - INSIDE, State.COPIED)
    assert result.counts[State.FAILED][0] == 1
    there = {path: data for path, data in (await tree(destination)).items() if data is not None}
    assert there == {path: data for path, data in FILES.items() if path not in INSIDE} | {"closed/old": b"0"}
    result.must_add_up()


async def test_the_destinations_own_folder_is_no_item() -> None:
    """If that cannot be listed, the run cannot begin."""
    destination = Faulty(Memory(), Faults({"list": lambda _n, _about: Denied("not yours")}))
    with pytest.raises(Denied):
        await run(await filled(FILES), destination)
    assert destination.written == []
