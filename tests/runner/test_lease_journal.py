"""A lease's journal: what the engine writes reaches the control plane once, in order, and waits are answered."""

from __future__ import annotations

import asyncio

import pytest

from mover.core.connector import Part
from mover.core.model import Entry, ItemId, Kind
from mover.core.states import State
from mover.engine.folders import Folder
from mover.engine.journal import KeptUpload, Line
from mover.engine.planned import Planned
from mover.engine.progress import Progress
from mover.runner.lease_journal import LeaseJournal, LeaseLost
from mover.wire.items import WireKnown
from mover.wire.messages import BATCH_ITEMS, Ended, Lease, Verdict, WireEnd

pytestmark = pytest.mark.anyio

END = WireEnd("local", {}, b"", "", "here")


def journal(*, first: bool = False) -> LeaseJournal:
    lease = Lease(7, 3, "scan", "run-1", "1", "0" * 20, END, END, {}, {}, 0.0, first)
    return LeaseJournal(lease, Progress(), lambda: None)


def line(path: str, state: State = State.PLANNED) -> Line:
    return Line(path, "", Kind.FILE, state, 1)


def planned(path: str, size: int = 1) -> Planned:
    folder = Folder.__new__(Folder)
    folder.path, folder.id = "", ItemId("")
    return Planned(Entry(ItemId(path), None, path, Kind.FILE, size), path, (path, ""), folder, path, "new")


def go() -> Verdict:
    return Verdict(7, "go")


async def test_a_report_that_was_not_answered_is_sent_again_as_it_was() -> None:
    found = journal()
    found.write(line("a"))
    sent = found.report()
    found.write(line("b"))
    assert found.report() is sent
    found.answered(go())
    following = found.report()
    assert (sent.number, [item.path for item in sent.lines]) == (1, [b"a"])
    assert (following.number, [item.path for item in following.lines]) == (2, [b"b"])


async def test_a_line_is_kept_when_its_report_was_answered_and_not_before() -> None:
    found = journal()
    found.write(line("a"))
    waiting = asyncio.create_task(found.kept(("a", "")))
    await asyncio.sleep(0)
    found.report()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    found.answered(go())
    await waiting
    await found.kept(("never written", ""))


async def test_an_offer_comes_with_the_plan_of_its_items_or_after_it() -> None:
    found = journal()
    for n in range(BATCH_ITEMS + 1):
        found.write(line(f"f{n:04}"))
        await found.offer(planned(f"f{n:04}"))
    report = found.report()
    assert (len(report.lines), [len(offer) for offer in report.offers]) == (BATCH_ITEMS + 1, [BATCH_ITEMS])
    found.answered(go())
    found.end(Ended("done"))
    last = found.report()
    assert [[item.path for item in offer] for offer in last.offers] == [[f"f{BATCH_ITEMS:04}".encode()]]
    assert last.ended == Ended("done")
    assert not found.finished
    found.answered(go())
    assert found.finished


async def test_a_large_file_gets_a_batch_of_its_own() -> None:
    found = journal()
    for path, size in (("small", 1), ("large", 1 << 30), ("other", 1)):
        await found.offer(planned(path, size))
    found.end(Ended("done"))
    assert [[item.path for item in offer] for offer in found.report().offers] == [[b"small"], [b"large"], [b"other"]]


async def test_what_is_known_is_asked_and_answered() -> None:
    found = journal()
    asking = asyncio.create_task(found.known([("a", ""), ("b", "")]))
    await asyncio.sleep(0)
    report = found.report()
    assert sorted(key.path for key in report.asks) == [b"a", b"b"]
    found.answered(Verdict(7, "go", [WireKnown(b"a", b"", State.COPIED, 5, 1.5, None)]))
    known = await asking
    assert (list(known), known["a", ""].size) == ([("a", "")], 5)
    assert found.report().asks == []
    assert await journal(first=True).known([("a", "")]) == {}


async def test_a_part_is_durable_when_it_was_told() -> None:
    found = journal()
    keeping = asyncio.create_task(found.keep_upload(("a", ""), KeptUpload("secret", "v1", ())))
    await asyncio.sleep(0)
    assert [upload.state for upload in found.report().uploads.kept] == [b"secret"]
    assert not keeping.done()
    found.answered(go())
    await keeping
    adding = asyncio.create_task(found.keep_part(("a", ""), Part(0, 10, "tag")))
    await asyncio.sleep(0)
    assert [part.tag for _, part in found.report().uploads.parts] == ["tag"]
    found.answered(go())
    await adding
    kept = await found.upload_of(("a", ""))
    assert kept is not None
    assert kept.parts == (Part(0, 10, "tag"),)
    assert "secret" not in repr(found.report())


async def test_whoever_waits_for_a_lost_lease_hears_of_it() -> None:
    found = journal()
    found.write(line("a"))
    waits = [asyncio.create_task(found.flush()), asyncio.create_task(found.known([("b", "")]))]
    await asyncio.sleep(0)
    found.lose("another runner has it now")
    for wait in waits:
        with pytest.raises(LeaseLost):
            await wait
    with pytest.raises(LeaseLost):
        await found.settled()


@pytest.mark.parametrize("name", ["plain", "sch\udcf6n", "line\nbreak", "日本"])
async def test_names_that_are_no_text_go_over_the_wire(name: str) -> None:
    import msgspec

    from mover.runner.forms import planned_of, wire_planned
    from mover.wire.items import WirePlanned

    class Side:
        folder = Entry(ItemId(""), None, "", Kind.FOLDER)

    sent = msgspec.msgpack.encode(wire_planned(planned(name)))
    back = planned_of(msgspec.msgpack.decode(sent, type=WirePlanned), Side())  # type: ignore[arg-type]
    assert (back.path, back.name, back.source.id, back.key) == (name, name, name, (name, ""))
