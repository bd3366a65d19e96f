"""Somebody who can write to the spool's file changes, moves, cuts or replays what is in it: never does it open."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
import tink
from tests.unit.test_crypto_streaming import tink_primitive
from tink import streaming_aead

from mover.core.errors import Sealed
from mover.crypto import aead
from mover.crypto.streaming import FIRST, FULL, SEGMENT, SealedFile
from mover.spool import kept, room
from mover.spool.kept import SMALL_SLOT, Kept
from mover.spool.pieces import Piece
from mover.spool.room import Room
from mover.spool.spool import LEAST_QUOTA, Spool

pytestmark = pytest.mark.anyio

DATA = os.urandom(FIRST + 2 * FULL)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncGenerator[Spool]:
    async with Spool.open(tmp_path / "spool", quota=LEAST_QUOTA) as spool:
        yield spool


async def filled(spool: Spool, data: bytes = DATA, context: bytes = b"a") -> Room:
    made = await spool.room(context, len(data))
    await made.write(data)
    await made.close()
    return made


def pieces(filled_room: Room) -> list[Piece]:
    return filled_room._pieces.all()


def swap(spool: Spool, one: Piece, other: Piece) -> None:
    """Exchange the bytes of two slots."""
    first, second = (os.pread(spool._file, p.length, p.offset) for p in (one, other))
    os.pwrite(spool._file, second, one.offset)
    os.pwrite(spool._file, first, other.offset)


async def refused(filled_room: Room) -> None:
    with pytest.raises(Sealed):
        async for _ in filled_room.chunks():
            pass
    with pytest.raises(Sealed):
        await filled_room.slice(0, len(DATA))


async def test_the_control_that_untouched_slots_open(spool: Spool) -> None:
    one = await filled(spool)
    first, second, _ = pieces(one)
    swap(spool, first, second)
    swap(spool, first, second)
    assert await one.slice(0, len(DATA)) == DATA


async def test_segments_of_one_file_exchanged(spool: Spool) -> None:
    one = await filled(spool)
    swap(spool, pieces(one)[1], pieces(one)[2])
    await refused(one)


@pytest.mark.parametrize("index", [0, 1, 2])
async def test_segments_of_two_files_exchanged(spool: Spool, index: int) -> None:
    one, other = await filled(spool), await filled(spool)
    swap(spool, pieces(one)[index], pieces(other)[index])
    await refused(one)
    await refused(other)


async def test_a_whole_other_file_put_in_its_place(spool: Spool) -> None:
    one, other = await filled(spool), await filled(spool)
    for mine, theirs in zip(pieces(one), pieces(other), strict=True):
        swap(spool, mine, theirs)
    await refused(one)


async def test_an_earlier_content_of_the_slot_replayed(spool: Spool) -> None:
    earlier = await filled(spool, b"old", b"same context")
    (piece,) = pieces(earlier)
    old = os.pread(spool._file, piece.length, piece.offset)
    earlier.release()
    now = await filled(spool, b"new", b"same context")
    assert pieces(now)[0].offset == piece.offset, "the slot is the same"
    os.pwrite(spool._file, old, piece.offset)
    with pytest.raises(Sealed):
        await now.slice(0, 3)


@pytest.mark.parametrize("bit", [0, 7, 8 * 20, 8 * 45, 8 * SEGMENT - 1])
async def test_a_bit_changed(spool: Spool, bit: int) -> None:
    one = await filled(spool)
    at = pieces(one)[0].offset + bit // 8
    (byte,) = os.pread(spool._file, 1, at)
    os.pwrite(spool._file, bytes([byte ^ 1 << bit % 8]), at)
    await refused(one)


async def test_the_file_cut_short(spool: Spool) -> None:
    one = await filled(spool)
    os.ftruncate(spool._file, pieces(one)[-1].offset + 100)
    await refused(one)


async def test_pages_lost(spool: Spool) -> None:
    one = await filled(spool)
    os.pwrite(spool._file, bytes(4096), pieces(one)[1].offset + 8192)
    await refused(one)


@pytest.mark.parametrize("attack", [lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: bytes(len(b)), lambda b: b[::-1]])
async def test_small_files_changed(spool: Spool, attack: Callable[[bytes], bytes]) -> None:
    one = await spool.keep(b"small" * 100, b"")
    raw = os.pread(spool._file, 556, 0)
    os.pwrite(spool._file, attack(raw), 0)
    with pytest.raises(Sealed):
        await one.read()


async def test_small_files_exchanged(spool: Spool) -> None:
    both: list[Kept] = [await spool.keep(name * 100, b"same") for name in (b"a", b"b")]
    first, second = (os.pread(spool._file, 156, at) for at in (0, SMALL_SLOT))
    assert len({first, second}) == 2
    os.pwrite(spool._file, second, 0)
    os.pwrite(spool._file, first, SMALL_SLOT)
    for one in both:
        with pytest.raises(Sealed):
            await one.read()


async def test_tink_itself_reads_what_the_spool_wrote(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key, which nobody else ever has: taken here as it is made."""
    keys: list[bytes] = []

    def caught() -> bytes:
        keys.append(aead.new_key())
        return keys[-1]

    monkeypatch.setattr(room, "new_key", caught)
    monkeypatch.setattr(kept, "new_key", caught)
    written = (await filled(spool, context=b"run|item|1")).sealed()
    (key,) = keys
    assert SealedFile(key, b"run|item|1", len(written), lambda a, n: written[a : a + n]).read(5, 99) == DATA[5:104]
    assert _read_by_tink(tink_primitive(key), written, b"run|item|1") == DATA
    with pytest.raises(tink.TinkError):
        _read_by_tink(tink_primitive(key), written, b"run|item|2")
    await spool.keep(b"small", b"run|item|3")
    raw = os.pread(spool._file, 61, 0)
    assert _read_by_tink(tink_primitive(keys[-1]), raw, b"run|item|3") == b"small"


def _read_by_tink(primitive: streaming_aead.StreamingAead, data: bytes, context: bytes) -> bytes:
    import io

    with primitive.new_decrypting_stream(io.BytesIO(data), context) as stream:
        return stream.read()
