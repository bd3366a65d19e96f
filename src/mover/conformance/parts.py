"""Large files in parts: some at once, and on from where they stopped."""

from __future__ import annotations

import asyncio
from typing import Final

from mover.conformance.bodies import Sent, expect_content, put, sample
from mover.conformance.checks import DoesNotApply, Place, check, expect, listing, names, refusal
from mover.core.connector import Part, Upload, WritesParts
from mover.core.errors import Damaged, ItemError, NotFound
from mover.core.model import Entry
from mover.core.spec import Cap

LARGEST: Final = 300 * 1024 * 1024
"""No check sends more than this, in bytes."""


@check(Cap.PARTS, slow=True)
async def parts_make_the_file(place: Place) -> None:
    """A file sent in parts, one after the other, is whole when it is finished, and not visible before."""
    writer, upload = await _begun(place, "in-parts")
    parts = [await _send(writer, upload, number, streamed=True) for number in _numbers(upload)]
    expect("in-parts" not in await names(place.connector, place.folder), "it is visible before it is finished")
    entry = await writer.finish(upload, parts)
    await _expect_whole(place, entry, upload)


@check(Cap.PARTS, slow=True)
async def parts_at_once_and_out_of_order(place: Place) -> None:
    """Parts may arrive out of order, and as many at once as the connector says."""
    writer, upload = await _begun(place, "at-once")
    if upload.at_once == 1:
        raise DoesNotApply("parts go strictly in order there")
    room = asyncio.Semaphore(upload.at_once)

    async def send(number: int) -> Part:
        async with room:
            return await _send(writer, upload, number)

    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(send(number)) for number in reversed(_numbers(upload))]
    parts = sorted((task.result() for task in sending), key=lambda part: part.number)
    await _expect_whole(place, await writer.finish(upload, parts), upload)


@check(Cap.PARTS, slow=True)
async def parts_go_on_in_a_new_connection(place: Place) -> None:
    """After a crash another connection sees the parts that arrived, sends the others, and finishes the file."""
    writer, begun = await _begun(place, "resumed")
    sent = await _send(writer, begun, 0)
    async with place.again() as second:
        again = second if isinstance(second, WritesParts) else writer
        upload = await again.resume(begun.state)
        told = (upload.size, upload.part_size)
        expect(told == (begun.size, begun.part_size), f"resumed as {told}, begun as {(begun.size, begun.part_size)}")
        done = {part.number: part for part in upload.done}
        expect(set(done) == {0}, f"part 0 was sent; the resumed upload has {sorted(done)}")
        expect(done[0].size == sent.size, f"part 0 has {done[0].size} bytes, {sent.size} were sent")
        for number in _numbers(upload):
            if number not in done:
                done[number] = await _send(again, upload, number)
        entry = await again.finish(upload, [done[number] for number in sorted(done)])
        expect(entry.size == upload.size, f"its size was answered as {entry.size}")
    (seen,) = await listing(place.connector, place.folder)
    await _expect_whole(place, seen, begun)


@check(Cap.PARTS, slow=True)
async def damaged_part_can_be_sent_again(place: Place) -> None:
    """A part that ends early is Damaged and not counted; the same part can be sent again."""
    writer, upload = await _begun(place, "mended")
    size = _size(upload, 0)
    with refusal(Damaged, of="a part that ends early"):
        await writer.write_part(upload, 0, Sent(sample(size - 1), claim=size))
    expect(not (await writer.resume(upload.state)).done, "the damaged part is counted as done")
    parts = [await _send(writer, upload, number) for number in _numbers(upload)]
    await _expect_whole(place, await writer.finish(upload, parts), upload)


@check(Cap.PARTS, slow=True)
async def missing_part_is_refused(place: Place) -> None:
    """A file whose parts are not all there cannot be finished, and is not visible."""
    writer, upload = await _begun(place, "incomplete")
    parts = [await _send(writer, upload, number) for number in _numbers(upload)[:-1]]
    with refusal(ItemError, of="finishing without the last part"):
        await writer.finish(upload, parts)
    expect("incomplete" not in await names(place.connector, place.folder), "an incomplete file is visible")
    await writer.abandon(upload)


@check(Cap.PARTS)
async def abandoned_parts_leave_nothing(place: Place) -> None:
    """An upload that is given up leaves nothing behind, is NotFound afterwards, and may be given up again."""
    writer, upload = await _begun(place, "abandoned")
    await _send(writer, upload, 0)
    await writer.abandon(upload)
    await writer.abandon(upload)
    left = await names(place.connector, place.folder)
    expect(not left, f"it left {left}")
    with refusal(NotFound, of="resuming an upload that was given up"):
        await writer.resume(upload.state)


@check(Cap.PARTS, slow=True)
async def parts_replace_a_file(place: Place) -> None:
    """A file sent in parts replaces the one that was there only when it is finished."""
    old = await put(place, "replaced", b"the old content")
    writer, upload = await _begun(place, "replaced")
    parts = [await _send(writer, upload, number) for number in _numbers(upload)]
    await expect_content(place.connector, old, b"the old content")
    entry = await writer.finish(upload, parts)
    expect(await names(place.connector, place.folder) == ["replaced"], "there is not exactly one file")
    await _expect_whole(place, entry, upload)


async def _begun(place: Place, name: str) -> tuple[WritesParts, Upload]:
    """An upload of at least two whole parts and a shorter last one."""
    writer = place.able(WritesParts)
    size = _suitable_size(writer)
    upload = await writer.begin(place.folder, name, size)
    expect(upload.size == size, f"an upload of {size} bytes was begun as one of {upload.size}")
    expect(upload.at_once >= 1, f"{upload.at_once} parts may be sent at once")
    expect(not upload.done, "a new upload has parts already")
    return writer, upload


def _suitable_size(writer: WritesParts) -> int:
    size = 1024 * 1024
    while size <= LARGEST:
        part = writer.part_size(size)
        wanted = size if part is None else max(size, 2 * part + 12_345)
        if part is not None and writer.part_size(wanted) == part and wanted % part:
            return wanted
        size = wanted + 1 if part is not None else size * 2
    raise DoesNotApply(f"files of up to {LARGEST} bytes have no parts there")


def _numbers(upload: Upload) -> range:
    return range(-(-upload.size // upload.part_size))


def _size(upload: Upload, number: int) -> int:
    return min(upload.part_size, upload.size - number * upload.part_size)


async def _send(writer: WritesParts, upload: Upload, number: int, *, streamed: bool = False) -> Part:
    size = _size(upload, number)
    part = await writer.write_part(upload, number, Sent(sample(size, number * upload.part_size), streamed=streamed))
    expect((part.number, part.size) == (number, size), f"part {number} of {size} bytes was answered as {part}")
    return part


async def _expect_whole(place: Place, entry: Entry, upload: Upload) -> None:
    expect(entry.size == upload.size, f"its size was answered as {entry.size}, not {upload.size}")
    await expect_content(place.connector, entry, sample(upload.size))
