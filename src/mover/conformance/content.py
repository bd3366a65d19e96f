"""Bytes: of every size, in ranges, and when something goes wrong on the way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from mover.conformance.bodies import PIECE, Sent, content, expect_content, put, sample
from mover.conformance.checks import CheckFailed, DoesNotApply, Place, check, expect, listing, names, refusal
from mover.core.errors import Changed, Damaged, LinkError, MoverError
from mover.core.model import Entry
from mover.core.spec import Cap

MIB: Final = 1024 * 1024


@check(Cap.EMPTY_FILES)
async def empty_file(place: Place) -> None:
    """A file of no bytes can be kept, and is read back as one."""
    for name, body in (("empty", Sent(b"")), ("empty-stream", Sent(b"", streamed=True))):
        entry = await place.connector.write(place.folder, name, body)
        expect(entry.size == 0, f"its size is {entry.size}")
        expect(await content(place.connector, entry) == b"", "bytes came back")


@check()
async def sizes_around_a_chunk(place: Place) -> None:
    """Files one byte shorter, equal and one byte longer than a chunk are kept whole."""
    for size in (1, PIECE - 1, PIECE, PIECE + 1, MIB - 1, MIB, MIB + 1):
        entry = await place.connector.write(place.folder, f"{size}", Sent(sample(size), streamed=size % 2 == 1))
        expect(entry.size == size, f"the size of {size} bytes was answered as {entry.size}")
        await expect_content(place.connector, entry, sample(size))


@check()
async def several_megabytes(place: Place) -> None:
    """A file of several MiB that comes in pieces is kept whole."""
    size = 5 * MIB + 3
    entry = await place.connector.write(place.folder, "large", Sent(sample(size), streamed=True, piece=MIB // 3))
    expect(entry.size == size, f"its size was answered as {entry.size}")
    await expect_content(place.connector, entry, sample(size))


@check()
async def body_of_unknown_size(place: Place) -> None:
    """A file whose size nobody knows before its end is kept whole."""
    data = sample(200_003)
    entry = await place.connector.write(place.folder, "unknown", Sent(data, claim=None))
    expect(entry.size == len(data), f"its size was answered as {entry.size}")
    await expect_content(place.connector, entry, data)


@check(Cap.RANGED_READ)
async def ranges(place: Place) -> None:
    """Reading from a place, up to a place, or between two gives those bytes and no others."""
    data = sample(3 * PIECE + 17)
    size = len(data)
    entry = await put(place, "ranged", data)
    for start, end in (
        (0, 1),
        (7, None),
        (0, size),
        (size - 1, None),
        (PIECE - 1, PIECE + 1),
        (1, size - 1),
        (size - 1, size),
    ):
        part = await content(place.connector, entry, start=start, end=end)
        expect(part == data[start:end], f"bytes {start} to {end}: {len(part)} bytes came, or others than were sent")


@check(Cap.RANGED_READ)
async def ranges_at_once(place: Place) -> None:
    """Eight ranges of one file can be read at once."""
    data = sample(2 * MIB + 5)
    entry = await put(place, "ranged", data)
    step = len(data) // 8 + 1
    starts = range(0, len(data), step)
    async with asyncio.TaskGroup() as group:
        reading = [
            group.create_task(content(place.connector, entry, start=s, end=min(s + step, len(data)))) for s in starts
        ]
    expect(b"".join(task.result() for task in reading) == data, "the ranges do not add up to the file")


@check()
async def short_body_leaves_nothing(place: Place) -> None:
    """A body that ends early is Damaged, and nothing of it is visible."""
    await _leaves_nothing(place, Sent(b"abc", claim=9))
    await _leaves_nothing(place, Sent(sample(2 * MIB), claim=2 * MIB + 1))


@check()
async def long_body_leaves_nothing(place: Place) -> None:
    """A body that goes on past its size is Damaged, and nothing of it is visible."""
    await _leaves_nothing(place, Sent(b"abcdefghi", claim=3))
    await _leaves_nothing(place, Sent(sample(2 * MIB), claim=2 * MIB - 1))


@check()
async def broken_body_leaves_nothing(place: Place) -> None:
    """A source that fails half-way leaves nothing visible, and its own error is the one that is raised."""
    for size in (10, 3 * PIECE, 2 * MIB):
        error = Changed("the source changed while it was read")
        body = Sent(sample(size), claim=2 * size, breaks=error)
        try:
            await place.connector.write(place.folder, "broken", body)
        except MoverError as raised:
            expect(isinstance(raised, Changed), f"the source said {error!r}, the write {raised!r}")
        else:
            raise CheckFailed(f"a body that failed after {size} bytes was accepted")
        left = await names(place.connector, place.folder)
        expect(not left, f"a body that failed after {size} bytes left {left}")


@check()
async def failed_replacement_keeps_the_old(place: Place) -> None:
    """When replacing a file fails half-way, what was there before is still there, whole."""
    await put(place, "kept", b"the old content")
    with contextlib.suppress(MoverError):
        await place.connector.write(
            place.folder, "kept", Sent(sample(MIB), claim=2 * MIB, breaks=Changed("it changed"))
        )
    found = await listing(place.connector, place.folder)
    expect([e.name for e in found] == ["kept"], f"there is now {[e.name for e in found]}")
    await expect_content(place.connector, found[0], b"the old content")


@check()
async def cancelled_write_leaves_nothing(place: Place) -> None:
    """A write that is given up half-way leaves nothing under its name, and the connection goes on working."""
    stuck = _Stuck(sample(PIECE), 4 * PIECE)
    task = asyncio.ensure_future(place.connector.write(place.folder, "cancelled", stuck))
    waiting = asyncio.ensure_future(stuck.reached.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    waiting.cancel()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    expect("cancelled" not in await names(place.connector, place.folder), "a part of it is visible")
    await expect_content(place.connector, await put(place, "next", b"goes on"), b"goes on")


@check()
async def reading_may_stop_early(place: Place) -> None:
    """A reader that leaves after the first piece harms neither the connection nor the next reader."""
    data = sample(3 * MIB)
    entry = await put(place, "left", data)
    for _ in range(5):
        async with place.connector.read(entry) as body:
            if body.whole is None:
                pieces = body.chunks()
                await anext(pieces)
    await expect_content(place.connector, entry, data)


@check()
async def shorter_replaces_longer(place: Place) -> None:
    """A shorter file that replaces a longer one keeps nothing of it."""
    await put(place, "shrinks", sample(100_000))
    entry = await put(place, "shrinks", b"short")
    expect(entry.size == 5, f"its size was answered as {entry.size}")
    await expect_content(place.connector, entry, b"short")


@check()
async def changed_while_away(place: Place) -> None:
    """Reading an item that was replaced since it was listed says Changed, where the provider tells versions apart."""
    old = await put(place, "changes", b"as it was listed")
    if old.version is None:
        (old,) = await listing(place.connector, place.folder)
    if old.version is None:
        raise DoesNotApply("the provider has no versions")
    new = await put(place, "changes", b"something else, longer")
    if new.id != old.id:
        raise DoesNotApply("a replaced file has another id there")
    with refusal(Changed, of="reading a file that was replaced since"):
        await content(place.connector, old)
    await expect_content(place.connector, new, b"something else, longer")


@check()
async def sixteen_at_once(place: Place) -> None:
    """Sixteen files can be written at once and read at once; none gets another's bytes."""
    bodies = {f"file {n}": sample(10_000 + n, n * 7919) for n in range(16)}
    async with asyncio.TaskGroup() as group:
        writing = [group.create_task(_put_again(place, name, data)) for name, data in bodies.items()]
    written = [task.result() for task in writing]
    async with asyncio.TaskGroup() as group:
        for entry in written:
            group.create_task(expect_content(place.connector, entry, bodies[entry.name]))
    expect(await names(place.connector, place.folder) == sorted(bodies), "not all of them are listed")


async def _put_again(place: Place, name: str, data: bytes) -> Entry:
    """A server that stumbles over so many says so, and is asked again, as a copy does it."""
    for _ in range(2):
        with contextlib.suppress(LinkError):
            return await put(place, name, data)
    return await put(place, name, data)


class _Stuck(Sent):
    """A body that hands out its bytes and then waits for ever."""

    def __init__(self, data: bytes, claim: int) -> None:
        super().__init__(data, claim=claim)
        self.reached = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in super().chunks():
            yield chunk
        self.reached.set()
        await asyncio.Event().wait()


async def _leaves_nothing(place: Place, body: Sent) -> None:
    told = f"a body of other than its {body.size} bytes"
    with refusal(Damaged, of=told):
        await place.connector.write(place.folder, "damaged", body)
    left = await names(place.connector, place.folder)
    expect(not left, f"{told} left {left}")
