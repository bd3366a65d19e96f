"""Segments and their slots: nothing is lent again while it is read, nothing is given back twice."""

from __future__ import annotations

from mover.spool.pieces import Memory, Pieces
from mover.spool.slots import Slots


def test_a_dropped_segment_keeps_its_slot_until_its_last_reader_is_done() -> None:
    slots = Slots(0, 1, 4)
    assert slots.reserve_now(2)
    pieces = Pieces(slots, 2, Memory(0))
    piece = pieces.new(0, last=False)
    pieces.add(piece)
    pieces.begin_read([piece])
    pieces.begin_read([piece])
    pieces.drop(piece)
    assert pieces.get(0) is None
    assert slots.take() != piece.offset, "it is still being read"
    pieces.end_read([piece])
    assert slots.take() != piece.offset, "one of two readers is not done"
    pieces.end_read([piece])
    assert slots.take() == piece.offset


def test_a_room_that_ends_gives_back_what_is_idle_now_and_the_rest_later() -> None:
    slots = Slots(0, 1, 9)
    assert slots.reserve_now(4)
    pieces = Pieces(slots, 4, Memory(0))
    idle, read, writing = (pieces.new(i, last=False) for i in range(3))
    pieces.add(idle)
    pieces.add(read)
    pieces.begin_read([read])
    pieces.close()
    assert slots.reserved == 2, "one is read, one is written"
    pieces.add(writing)
    assert slots.reserved == 1
    pieces.end_read([read])
    assert slots.reserved == 0
    assert sorted(slots.take() for _ in range(4)) == [0, 1, 2, 3], "each once"


def test_memory_is_bounded_and_each_segment_is_handed_out_once() -> None:
    slots, memory = Slots(0, 1, 4), Memory(2)
    assert slots.reserve_now(4)
    pieces = Pieces(slots, 4, memory)
    made = [pieces.new(i, last=False) for i in range(3)]
    for piece in made:
        memory.keep(piece, b"plain")
        pieces.add(piece)
    assert memory.take(made) is None, "the third found no room"
    assert memory.take(made[:2]) == b"plainplain"
    assert memory.take(made[:1]) is None
    memory.keep(made[2], b"late")
    pieces.drop(made[2])
    assert memory.take([made[2]]) is None, "what is dropped is not in memory either"
