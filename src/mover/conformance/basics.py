"""The verbs every connector has, one by one."""

from __future__ import annotations

from mover.conformance.bodies import Sent, content, expect_content, put, sample
from mover.conformance.checks import Place, check, expect, listing, names, refusal
from mover.core.connector import OPTIONAL
from mover.core.errors import NotFound
from mover.core.model import Entry, Kind
from mover.core.spec import Cap


@check()
async def round_trip(place: Place) -> None:
    """What was written is read back byte for byte."""
    entry = await put(place, "a.bin", b"hello world")
    expect(await content(place.connector, entry) == b"hello world", "other bytes came back")


@check()
async def streamed_round_trip(place: Place) -> None:
    """A file that comes in many small pieces is kept whole and in order."""
    data = sample(20_011)
    entry = await place.connector.write(place.folder, "pieces.bin", Sent(data, streamed=True, piece=997))
    await expect_content(place.connector, entry, data)


@check()
async def write_describes_the_file(place: Place) -> None:
    """Writing answers with the file as it now is: its name, folder, kind and size."""
    entry = await put(place, "described.txt", b"12345")
    expect(entry.kind is Kind.FILE, f"kind is {entry.kind}")
    expect(entry.name == "described.txt", f"name is {entry.name!r}")
    expect(entry.parent == place.folder, f"parent is {entry.parent!r}, not {place.folder!r}")
    expect(entry.size == 5, f"size is {entry.size}, not 5")


@check()
async def listing_describes_the_file(place: Place) -> None:
    """A listing shows a file under the id and name, and with the size, that writing answered."""
    sent = await put(place, "listed.txt", b"12345")
    found = await listing(place.connector, place.folder)
    expect(len(found) == 1, f"{len(found)} entries are listed, not one")
    seen = found[0]
    told = (sent.id, sent.name, sent.parent, sent.kind, sent.size)
    expect((seen.id, seen.name, seen.parent, seen.kind, seen.size) == told, f"listed as {seen}, written as {sent}")
    offset = seen.modified.utcoffset() if seen.modified else None
    expect(
        seen.modified is None or (offset is not None and not offset), f"time {seen.modified} is not an aware UTC time"
    )


@check()
async def listed_entries_can_be_read(place: Place) -> None:
    """What a listing shows can be read as it stands, and is described when reading begins."""
    await put(place, "listed.txt", b"from the listing")
    (entry,) = await listing(place.connector, place.folder)
    async with place.connector.read(entry) as body:
        data = body.whole if body.whole is not None else b"".join([c async for c in body.chunks()])
        described = body.entry
    expect(data == b"from the listing", "other bytes came back")
    expect(described.id == entry.id and described.kind is Kind.FILE, f"described as {described}")
    expect(described.size in (None, len(data)), f"described with {described.size} bytes")


@check()
async def missing_is_not_found(place: Place) -> None:
    """Reading what was removed says NotFound; it is never an empty file."""
    entry = await put(place, "ghost", b"was here")
    await place.connector.remove(entry.id)
    with refusal(NotFound, of="reading a removed file"):
        await content(place.connector, entry)
    # Without a version no precondition is sent: another path through most connectors.
    with refusal(NotFound, of="reading a removed file without a version"):
        await content(place.connector, Entry(entry.id, entry.parent, entry.name, Kind.FILE))


@check()
async def writing_twice_replaces(place: Place) -> None:
    """The second write under a name replaces the first; there are never two."""
    await put(place, "twice", b"one, and quite long")
    entry = await put(place, "twice", b"two!")
    expect(await names(place.connector, place.folder) == ["twice"], "there is not exactly one file")
    await expect_content(place.connector, entry, b"two!")


@check()
async def removing_twice_is_fine(place: Place) -> None:
    """Removing what is already gone is no error."""
    entry = await put(place, "gone", b"x")
    await place.connector.remove(entry.id)
    await place.connector.remove(entry.id)
    expect(await names(place.connector, place.folder) == [], "the file is still listed")


@check()
async def root_works(place: Place) -> None:
    """The root is a folder without a parent, and can be listed."""
    root = await place.connector.root()
    expect(root.kind is Kind.FOLDER, f"the root is a {root.kind}")
    expect(root.parent is None, f"the root lies in {root.parent!r}")
    await place.connector.list(root.id)


@check()
async def declares_what_it_has(place: Place) -> None:
    """Capabilities declared and methods implemented agree, both ways."""
    for cap, protocol in OPTIONAL.items():
        if place.connector.caps & cap:
            expect(isinstance(place.connector, protocol), f"{cap.name} is declared but not implemented")
        if not place.spec.caps & cap:
            expect(not isinstance(place.connector, protocol), f"{cap.name} is implemented but not declared")
    beyond = place.connector.caps & ~place.spec.caps
    expect(beyond == Cap.NONE, f"the account has more than the spec says: {beyond}")
