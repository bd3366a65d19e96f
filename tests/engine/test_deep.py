"""Two object stores, listed side by side: every object is accounted for, whatever the listing does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.engine.deep_store import DeepStore
from tests.engine.harness import Result, run

from mover.connectors.registry import spec
from mover.core.errors import Refused, Throttled, Unreachable
from mover.core.states import State
from mover.engine.filter_options import FilterOptions
from mover.engine.filters import Filter

pytestmark = pytest.mark.anyio

MEMORY = spec("memory")
SECOND = 2


async def ran(
    source: DeepStore, destination: DeepStore, journal: Path | None = None, filters: Filter | None = None
) -> Result:
    return await asyncio.wait_for(
        run(source, destination, specs=(MEMORY, MEMORY), journal=journal, filters=filters), 20
    )


def states(done: Result) -> dict[str, int]:
    return {state.value: number for state, (number, _) in done.counts.items()}


async def test_an_object_that_ends_in_a_slash_and_holds_bytes_is_told() -> None:
    destination = DeepStore({})
    done = await ran(DeepStore({"d/": b"BYTES", "d/x": b"1", "e/": b"12345", "f": b"2"}), destination)
    assert destination.objects == {"d/x": b"1", "f": b"2"}
    assert states(done) == {"copied": 2, "filtered": 2}
    assert done.progress.found == 4


async def test_an_object_with_a_slash_at_the_end_that_both_have_is_the_same() -> None:
    both = {"d/": b"BYTES", "f": b"2"}
    assert states(await ran(DeepStore(both), DeepStore(both))) == {"same": 2}


@pytest.mark.parametrize("objects", [{"a": b"1", "b/": b"", "b/c": b"2"}, {"b/": b"", "b/c": b"2", "d": b"3"}])
async def test_the_marker_of_a_folder_that_is_not_empty_is_no_item(objects: dict[str, bytes]) -> None:
    destination = DeepStore({})
    done = await ran(DeepStore(objects), destination)
    assert destination.objects == {key: data for key, data in objects.items() if data}
    assert states(done) == {"copied": 2}


@pytest.mark.parametrize("objects", [{"a": b"1", "b/": b""}, {"a": b"1", "b/": b"", "c": b"2"}, {"b/": b"", "c": b"2"}])
async def test_the_marker_of_an_empty_folder_is_one(objects: dict[str, bytes]) -> None:
    destination = DeepStore({})
    done = await ran(DeepStore(objects), destination)
    assert destination.objects == objects
    assert states(done) == {"copied": len(objects)}


async def test_an_excluded_folder_is_not_made() -> None:
    destination = DeepStore({})
    filters = FilterOptions(exclude=("/secret/**",)).filter_at(datetime.now(UTC))
    await ran(DeepStore({"a": b"1", "secret/": b"", "z": b"2"}), destination, filters=filters)
    assert destination.objects == {"a": b"1", "z": b"2"}


@pytest.mark.parametrize("side", ["source", "destination"])
async def test_a_listing_that_stumbles_goes_on(side: str) -> None:
    hits = iter([None, Throttled("slow", after=1.0)])
    keys = {"a": b"1", "b": b"2", "c": b"3", "d": b"4", "e": b"5"}
    stumbling = {side: lambda _: next(hits, None)}
    source, destination = (
        DeepStore(keys, **({"fault": stumbling[s]} if s in stumbling else {})) for s in ("source", "destination")
    )
    done = await ran(source, destination)
    assert states(done) == {"same": 5}
    assert done.progress.found == 5


async def test_a_listing_may_stumble_as_often_as_it_gets_on() -> None:
    """Every second page fails; a listing of a million objects must not have five mishaps for all of its pages."""
    keys = {f"{number:02}": b"x" for number in range(40)}
    done = await ran(DeepStore(keys, lambda page: Unreachable("cut") if page == 2 else None), DeepStore(keys))
    assert states(done) == {"same": 40}


async def test_a_fault_in_a_listing_ends_the_run() -> None:
    with pytest.raises(ValueError, match="broken"):
        await ran(
            DeepStore({"a": b"1", "b": b"2", "c": b"3"}, lambda n: ValueError("broken") if n == 2 else None),
            DeepStore({}),
        )


async def test_a_store_that_does_not_list_in_order_is_listed_by_folders() -> None:
    destination = DeepStore({})
    done = await ran(DeepStore({"a": b"1", "b/c": b"2"}, lambda _: Refused("not in order")), destination)
    assert destination.objects == {"a": b"1", "b/c": b"2"}
    assert states(done) == {"copied": 2}


async def test_what_was_copied_stays_copied_in_a_later_pass(tmp_path: Path) -> None:
    source, destination = DeepStore({"a": b"1", "c": b"2"}), DeepStore({})
    await ran(source, destination, tmp_path / "journal")
    source.objects["z"] = b"9"
    done = await ran(source, destination, tmp_path / "journal")
    assert states(done) == {"copied": 3}
    assert all(line.proof is not None for line in done.lines.values() if line.state is State.COPIED)
