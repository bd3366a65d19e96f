"""Ids that are paths, and bodies: what connectors share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mover.conformance.bodies import Sent, sample
from mover.connectors._kit.bodies import BytesDownload, StreamDownload, collected, measured
from mover.connectors._kit.paths import ROOT, child, name_of, parent_of
from mover.core.errors import Damaged, Unfit
from mover.core.model import Entry, ItemId, Kind

NAMES = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(NAMES, min_size=1))
def test_an_id_is_put_together_and_taken_apart(names: list[str]) -> None:
    item = ItemId("")
    for name in names:
        above, item = item, child(item, name)
        assert (parent_of(item), name_of(item)) == (above, name)
    assert item == "/".join(names)


@given(
    st.sampled_from(["", ".", "..", "/", "a/b", "/a", "a/", "\x00", "a\x00b", "../a"]),
    st.sampled_from(["", "a", "a/b"]),
)
def test_what_could_leave_the_folder_is_no_name(name: str, folder: str) -> None:
    with pytest.raises(Unfit) as caught:
        child(ItemId(folder), name)
    assert caught.value.item == name


def test_the_root_has_no_parent_and_no_name() -> None:
    assert (ROOT.id, ROOT.parent, ROOT.kind) == ("", None, Kind.FOLDER)
    assert (parent_of(ROOT.id), name_of(ROOT.id)) == (None, "")


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("claim", [None, 1_000])
async def test_honest_bodies_are_taken_in_whole(*, streamed: bool, claim: int | None) -> None:
    data = sample(1_000)
    body = Sent(data, claim=claim, streamed=streamed, piece=7)
    assert await collected(body, "x") == data
    assert b"".join([piece async for piece in measured(body, "x")]) == data


@pytest.mark.anyio
@pytest.mark.parametrize("claim", [0, 1, 999, 1_001])
async def test_bodies_that_lie_about_their_size_are_damaged(claim: int) -> None:
    body = Sent(sample(1_000), claim=claim, piece=7)
    with pytest.raises(Damaged):
        await collected(body, "x")
    passed: list[bytes] = []
    with pytest.raises(Damaged):
        await _gather(measured(body, "x"), passed)
    assert sum(map(len, passed)) <= claim, "more than the promised bytes went on to the provider"


async def _gather(pieces: AsyncIterator[bytes], into: list[bytes]) -> None:
    async for piece in pieces:
        into += [piece]


@pytest.mark.anyio
async def test_downloads_hand_out_their_bytes() -> None:
    entry = Entry(ItemId("x"), None, "x", Kind.FILE)
    whole = BytesDownload(entry, b"abc")
    assert (whole.whole, whole.size, [c async for c in whole.chunks()]) == (b"abc", 3, [b"abc"])
    assert [c async for c in BytesDownload(entry, b"").chunks()] == []
    stream = StreamDownload(entry, 3, Sent(b"abc", piece=1).chunks)
    assert (stream.whole, stream.size, [c async for c in stream.chunks()]) == (None, 3, [b"a", b"b", b"c"])
