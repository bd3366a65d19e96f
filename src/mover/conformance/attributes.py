"""What a file carries beside its bytes: times, metadata, digests."""

from __future__ import annotations

from datetime import UTC, datetime

from mover.conformance.bodies import Sent, put, sample
from mover.conformance.checks import Place, check, expect, listing, refusal
from mover.conformance.truth import digest_of
from mover.core.connector import Describes, SetsModified
from mover.core.errors import NotFound, Unfit
from mover.core.model import Attributes, Entry
from mover.core.spec import Cap

TIMES = (
    datetime(2001, 9, 9, 1, 46, 40, 123456, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1999, 12, 31, 12, 0, 1, tzinfo=UTC),
)
"""A time before most providers existed, a leap day's last moment, an odd second."""


@check(Cap.KEEPS_MODIFIED)
async def modified_is_kept(place: Place) -> None:
    """The time a file was last modified is kept, as precisely as the connector says."""
    for number, modified in enumerate(TIMES):
        entry = await place.connector.write(place.folder, f"t{number}", Sent(b"x"), Attributes(modified=modified))
        _same_time(place, "the answer", entry.modified, modified)
    for entry in await listing(place.connector, place.folder):
        _same_time(place, "the listing", (await _described(place, entry)).modified, TIMES[int(entry.name[1:])])


@check(Cap.KEEPS_MODIFIED)
async def modified_is_kept_when_replacing(place: Place) -> None:
    """The time is kept also when a file is replaced, and when it comes in pieces."""
    await place.connector.write(place.folder, "t", Sent(b"old"), Attributes(modified=TIMES[0]))
    body = Sent(sample(300_000), streamed=True)
    await place.connector.write(place.folder, "t", body, Attributes(modified=TIMES[1]))
    (entry,) = await listing(place.connector, place.folder)
    _same_time(place, "the listing", (await _described(place, entry)).modified, TIMES[1])


@check(Cap.SET_MODIFIED)
async def modified_can_be_set(place: Place) -> None:
    """The time of a file that is there can be set, and is listed as it was set."""
    entry = await put(place, "t", b"x")
    await place.able(SetsModified).set_modified(entry.id, TIMES[0])
    (entry,) = await listing(place.connector, place.folder)
    _same_time(place, "the listing", (await _described(place, entry)).modified, TIMES[0])


@check(Cap.SET_MODIFIED | Cap.EMPTY_FOLDERS)
async def modified_of_a_folder_can_be_set(place: Place) -> None:
    """The time of a folder that is there can be set, and is listed as it was set."""
    folder = await place.connector.make_folder(place.folder, "f")
    await place.able(SetsModified).set_modified(folder.id, TIMES[0])
    (entry,) = await listing(place.connector, place.folder)
    _same_time(place, "the listing", entry.modified, TIMES[0])


@check(Cap.KEEPS_METADATA)
async def metadata_is_kept(place: Place) -> None:
    """What a user attached to a file is kept, and so is its content type."""
    wanted = {"mover-check": "yes", "note": "two words, and more"}
    attributes = Attributes(content_type="text/x-mover-check", metadata=wanted)
    entry = await place.connector.write(place.folder, "m", Sent(b"x"), attributes)
    seen = await _described(place, entry)
    kept = {name: seen.metadata.get(name) for name in wanted}
    expect(kept == wanted, f"sent {wanted}, kept {dict(seen.metadata)}")
    expect(seen.content_type == "text/x-mover-check", f"the content type became {seen.content_type!r}")


@check(Cap.KEEPS_METADATA)
async def metadata_in_other_scripts(place: Place) -> None:
    """Metadata that is not plain ASCII is kept, or refused as Unfit; it is never changed in silence."""
    try:
        entry = await place.connector.write(place.folder, "m", Sent(b"x"), Attributes(metadata={"note": "Grüße 🎉"}))
    except Unfit:
        return
    seen = (await _described(place, entry)).metadata
    expect(seen.get("note") == "Grüße 🎉", f"it became {dict(seen)}")


@check(Cap.DESCRIBE)
async def describing_tells_more(place: Place) -> None:
    """Asked for one item, the provider tells the time, type and metadata it keeps; of a removed one it says NotFound."""
    attributes = Attributes(TIMES[1], "text/x-mover-check", {"mover-check": "yes"})
    await place.connector.write(place.folder, "described", Sent(b"12345"), attributes)
    (listed,) = await listing(place.connector, place.folder)
    seen = await place.able(Describes).describe(listed)
    expect(
        (seen.id, seen.name, seen.kind, seen.size) == (listed.id, "described", listed.kind, 5), f"described as {seen}"
    )
    if place.connector.caps & Cap.KEEPS_MODIFIED:
        _same_time(place, "the description", seen.modified, TIMES[1])
    if place.connector.caps & Cap.KEEPS_METADATA:
        expect(seen.metadata.get("mover-check") == "yes", f"the metadata became {dict(seen.metadata)}")
        expect(seen.content_type == "text/x-mover-check", f"the content type became {seen.content_type!r}")
    await place.connector.remove(listed.id)
    with refusal(NotFound, of="describing a removed file"):
        await place.able(Describes).describe(listed)


@check()
async def digests_are_true(place: Place) -> None:
    """Every digest that is reported is that of the bytes, and of an algorithm the connector declares."""
    for size, streamed in ((1, False), (70_001, False), (5 * 1024 * 1024 + 1, True)):
        data = sample(size)
        sent = await place.connector.write(place.folder, f"d{size}", Sent(data, streamed=streamed))
        seen = next(e for e in await listing(place.connector, place.folder) if e.name == f"d{size}")
        for told, entry in (("writing", sent), ("the listing", seen), ("reading", await _described(place, seen))):
            _true_digests(place, told, entry, data)


@check()
async def algorithms_are_honest(place: Place) -> None:
    """Writing reports the digests that were announced for a file of that size."""
    for size, streamed in ((1, False), (70_001, True), (2 * 1024 * 1024, False)):
        announced = place.connector.algorithms(size)
        expect(announced <= place.spec.digests, f"the spec does not have {sorted(announced - place.spec.digests)}")
        entry = await place.connector.write(place.folder, f"a{size}", Sent(sample(size), streamed=streamed))
        reported = {d.algorithm for d in entry.digests}
        expect(
            announced <= reported, f"of {size} bytes it announced {sorted(announced)} and reported {sorted(reported)}"
        )


def _same_time(place: Place, told: str, seen: datetime | None, wanted: datetime) -> None:
    expect(seen is not None, f"{told} has no time")
    if seen is not None:
        apart = abs((seen - wanted).total_seconds())
        expect(apart <= place.limits.time_step, f"{told} says {seen.isoformat()}, sent was {wanted.isoformat()}")


async def _described(place: Place, entry: Entry) -> Entry:
    """The entry as reading describes it: fuller than a listing at some providers."""
    async with place.connector.read(entry) as body:
        if body.whole is None:
            async for _ in body.chunks():
                pass
        return body.entry


def _true_digests(place: Place, told: str, entry: Entry, data: bytes) -> None:
    for digest in entry.digests:
        expect(
            digest.algorithm in place.spec.digests, f"{told} reports {digest.algorithm}, which the spec does not have"
        )
        truth = digest_of(digest.algorithm, data)
        expect(truth in (None, digest.value), f"{told} reports {digest.algorithm} {digest.hex} of other bytes")
