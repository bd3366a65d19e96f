"""A run accounts for every item, whatever happens to it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from tests.engine.faulty import Faults, Faulty
from tests.engine.harness import fill, run, tree

from mover.connectors.memory.client import Memory
from mover.core.connector import NOTHING
from mover.core.errors import (
    BadCredentials,
    Changed,
    Damaged,
    Denied,
    Full,
    MoverError,
    NotFound,
    Throttled,
    Unreachable,
)
from mover.core.model import Attributes
from mover.core.spec import Limits
from mover.core.states import State
from mover.engine.control import Control
from mover.engine.filters import Filter, Rule
from mover.engine.settings import RunSettings

pytestmark = pytest.mark.anyio

FILES = {
    "a.txt": b"alpha",
    "empty": b"",
    "deep/er/b.bin": bytes(range(256)) * 40,
    "deep/c": b"c",
    "big": b"0123456789" * 300_000,
}


async def filled(files: dict[str, bytes] | None = None) -> Memory:
    memory = Memory()
    await fill(memory, FILES if files is None else files, Attributes(datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)))
    return memory


def always(error: MoverError, name: str):
    return lambda _, about: error if about == name else None


async def test_everything_arrives_with_its_time_and_is_proved() -> None:
    source, destination = await filled(), Memory()
    result = await run(source, destination)
    assert result.ending.state == "done"
    assert await tree(destination) == await tree(source)
    assert {line.state for line in result.lines.values()} == {State.COPIED}
    for path, data in FILES.items():
        proof = result.lines[path].proof
        assert proof is not None and proof.method == "digest" and proof.algorithm == "md5"
        assert proof.source == proof.destination
        assert result.lines[path].size == len(data)
    entries = (await destination.list((await destination.root()).id)).entries
    assert next(e for e in entries if e.name == "a.txt").modified == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    result.must_add_up()


async def test_a_second_run_finds_all_the_same_and_writes_nothing() -> None:
    source, destination = await filled(), Memory()
    await run(source, destination)
    watched = Faulty(destination, Faults())
    result = await run(source, watched)
    assert {line.state for line in result.lines.values()} == {State.SAME}
    assert watched.written == []
    result.must_add_up()


async def test_a_changed_file_is_copied_again() -> None:
    source, destination = await filled(), Memory()
    await run(source, destination)
    await fill(source, {"a.txt": b"ALPHA"})
    result = await run(source, destination)
    assert result.state("a.txt") is State.COPIED
    assert [path for path, line in result.lines.items() if line.state is State.COPIED] == ["a.txt"]
    assert (await tree(destination))["a.txt"] == b"ALPHA"


async def test_a_dry_run_plans_what_the_run_does_and_writes_nothing() -> None:
    source, destination = await filled(), Memory()
    await fill(
        destination, {"a.txt": b"alpha", "deep/c": b"old"}, Attributes(datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC))
    )
    before = await tree(destination)
    plan = await run(source, destination, settings=RunSettings(dry_run=True))
    assert await tree(destination) == before
    done = await run(source, destination)
    planned = {path for path, line in plan.lines.items() if line.state is State.PLANNED}
    copied = {path for path, line in done.lines.items() if line.state is State.COPIED}
    assert planned == copied == {"big", "deep/c", "deep/er/b.bin", "empty"}


@pytest.mark.parametrize(
    "error", [Unreachable("reset"), Throttled("slow down", after=7.0), Damaged("bad"), Changed("moved")]
)
@pytest.mark.parametrize("method", ["read", "write"])
async def test_what_may_pass_is_tried_again_and_its_reasons_are_kept(method: str, error: MoverError) -> None:
    source, destination = await filled(), Memory()
    faults = Faults(
        {method: lambda n, about: error if about == "a.txt" and faults.calls[method] < 9 and n % 2 else None}
    )
    wrapped = (Faulty(source, faults), destination) if method == "read" else (source, Faulty(destination, faults))
    result = await run(*wrapped)
    assert await tree(destination) == await tree(source)
    assert result.state("a.txt") is State.COPIED
    assert set(result.attempts["a.txt"]) <= {error.code}
    assert result.lines["a.txt"].attempts == len(result.attempts["a.txt"]) + 1
    if error.after and result.attempts["a.txt"]:
        assert result.slept >= error.after
    result.must_add_up()


@pytest.mark.parametrize(
    ("method", "error", "state"),
    [
        ("read", Denied("not yours"), State.FAILED),
        ("read", NotFound("gone"), State.FAILED),
        ("read", Unreachable("this one breaks it"), State.FAILED),
        ("write", Denied("read only"), State.FAILED),
        ("write", Damaged("always"), State.FAILED),
    ],
)
async def test_one_bad_item_does_not_stop_the_others(method: str, error: MoverError, state: State) -> None:
    source, destination = await filled(), Memory()
    faults = Faults({method: always(error, "a.txt")})
    wrapped = (Faulty(source, faults), destination) if method == "read" else (source, Faulty(destination, faults))
    result = await run(*wrapped)
    assert result.ending.state == "done"
    line = result.lines["a.txt"]
    assert (line.state, line.code, line.detail) == (state, error.code, error.detail)
    assert "a.txt" not in await tree(destination)
    assert all(other.state is State.COPIED for path, other in result.lines.items() if path != "a.txt")
    result.must_add_up()


@pytest.mark.parametrize("error", [BadCredentials("expired"), Full("no room"), Throttled("tomorrow", after=86_400.0)])
async def test_a_lost_link_pauses_the_run_and_it_goes_on_later(error: MoverError, tmp_path) -> None:
    source, destination = await filled(), Memory()
    faults = Faults({"write": lambda n, _: error if n >= 3 else None})
    first = await run(source, Faulty(destination, faults), journal=tmp_path / "j", settings=RunSettings(transfers=1))
    assert first.ending.state == "paused"
    assert first.ending.problem is error
    assert first.spool_left == 0
    watched = Faulty(destination, Faults())
    second = await run(source, watched, journal=tmp_path / "j")
    assert second.ending.state == "done"
    assert await tree(destination) == await tree(source)
    assert {line.state for line in second.lines.values()} == {State.COPIED}
    assert len(watched.written) <= len(FILES)
    second.must_add_up()


async def test_bytes_spoiled_on_the_way_never_count_as_done() -> None:
    source, destination = await filled({"a": b"right", "b": b"other"}), Memory()
    spoiling = Faulty(source, Faults(), lambda name, data: b"wrong" if name == "a" else data)
    result = await run(spoiling, destination)
    assert result.lines["a"].code == "item-damaged"
    assert await tree(destination) == {"b": b"other"}


async def test_a_destination_that_stores_other_bytes_is_found_out_and_cleaned() -> None:
    class Liar(Memory):
        async def write(self, folder, name, body, attributes=NOTHING):
            return await super().write(folder, name, type(body)(b"x" + body.whole[1:], ()), attributes)

    source, destination = await filled({"a": b"right"}), Liar()
    result = await run(source, destination)
    assert result.lines["a"].code == "item-damaged"
    assert await tree(destination) == {}


async def test_filtered_and_unfit_items_are_reported_with_their_reason() -> None:
    source, destination = await filled({"keep.txt": b"1", "drop.tmp": b"2", "bad:name": b"3", "x" * 30: b"4"}), Memory()
    limits = Limits(name_bytes=20, forbidden=frozenset("/\x00:"))
    result = await run(source, destination, filters=Filter([Rule(take=False, pattern="*.tmp")]), limits=limits)
    assert result.state("drop.tmp") is State.FILTERED
    assert "*.tmp" in (result.lines["drop.tmp"].detail or "")
    for path in ("bad:name", "x" * 30):
        assert (result.state(path), result.lines[path].code) == (State.UNFIT, "item-unfit")
    assert await tree(destination) == {"keep.txt": b"1"}
    result.must_add_up()


async def test_names_are_replaced_on_request_and_the_map_is_kept() -> None:
    source, destination = await filled({"bad:name/x?": b"3"}), Memory()
    limits = Limits(forbidden=frozenset("/\x00:?"))
    result = await run(source, destination, settings=RunSettings(names="replace"), limits=limits)
    target = result.lines["bad:name/x?"].target
    assert target is not None and not set(":?") & set(target)
    assert (await tree(destination))[target] == b"3"


async def test_two_names_that_are_one_at_the_destination_are_not_both_written() -> None:
    source, destination = await filled({"Readme": b"1", "README": b"2"}), Memory()
    result = await run(source, destination, limits=Limits(case_sensitive=False))
    assert sorted(line.state.value for line in result.lines.values()) == ["copied", "unfit"]
    assert len(await tree(destination)) == 1


async def test_empty_folders_are_made() -> None:
    source, destination = await filled({"x/y/": b"", "z/": b""}), Memory()
    result = await run(source, destination)
    assert await tree(destination) == {"x": None, "x/y": None, "z": None}
    result.must_add_up()


async def test_a_pause_finishes_what_is_in_hand_and_resumes(tmp_path) -> None:
    source, destination = await filled({f"f{i:03}": b"%d" % i for i in range(200)}), Memory()
    control = Control()
    faults = Faults({"write": lambda n, _: control.pause("asked") if n == 20 else None})
    first = await run(source, Faulty(destination, faults), journal=tmp_path / "j", control=control)
    assert (first.ending.state, first.ending.reason) == ("paused", "asked")
    done = [path for path, line in first.lines.items() if line.state is State.COPIED]
    assert 20 <= len(done) < 200
    assert sorted(done) == sorted(await tree(destination))
    watched = Faulty(destination, Faults())
    second = await run(source, watched, journal=tmp_path / "j")
    assert not set(watched.written) & set(done)
    assert await tree(destination) == await tree(source)
    assert second.counts[State.COPIED][0] == 200


async def test_what_vanished_between_two_passes_is_accounted_for(tmp_path) -> None:
    source, destination = await filled({"stays": b"1", "goes": b"2"}), Memory()
    faults = Faults({"write": lambda n, _: BadCredentials("expired")})
    await run(source, Faulty(destination, faults), journal=tmp_path / "j")
    entries = (await source.list((await source.root()).id)).entries
    await source.remove(next(e.id for e in entries if e.name == "goes"))
    result = await run(source, destination, journal=tmp_path / "j")
    assert (result.state("goes"), result.lines["goes"].code) == (State.FAILED, "item-not-found")
    assert result.state("stays") is State.COPIED


async def test_a_fault_of_ours_stops_the_run_loudly() -> None:
    source, destination = await filled(), Memory()

    def broken(_: int, about: str) -> MoverError | None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await run(source, Faulty(destination, Faults({"write": broken})))


async def test_a_deep_tree_and_a_wide_one() -> None:
    deep = "/".join(["d"] * 1_000)
    source, destination = await filled({f"{deep}/leaf": b"1", **{f"wide/{i}": b"" for i in range(3_000)}}), Memory()
    result = await run(source, destination)
    assert result.ending.state == "done"
    assert result.state(f"{deep}/leaf") is State.COPIED
    assert result.counts[State.COPIED][0] == 3_001
    assert await tree(destination) == await tree(source)


async def test_full_verification_finds_a_file_that_only_looks_the_same() -> None:
    source, destination = await filled({"a": b"right"}), Memory()
    await fill(destination, {"a": b"wrong"}, Attributes(datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)))
    quick = await run(source, destination, settings=RunSettings(compare="size"))
    assert quick.state("a") is State.SAME
    full = await run(source, destination, settings=RunSettings(compare="size", verify="full"))
    assert full.state("a") is State.COPIED
    again = await run(source, destination, settings=RunSettings(compare="size", verify="full"))
    assert again.state("a") is State.SAME
    assert again.lines["a"].proof is not None and again.lines["a"].proof.method == "read-back"


async def test_the_root_that_cannot_be_listed_is_an_error_not_an_empty_run() -> None:
    faults = Faults({"list": lambda n, _: Denied("no")})
    with pytest.raises(Denied):
        await run(Faulty(await filled(), faults), Memory())
    await asyncio.sleep(0)
