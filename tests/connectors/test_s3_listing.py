"""Listings of S3: large ones in little memory, and keys that are no paths, of which none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.running import options_of
from tests.sites.s3_listing import bucket_of

from mover.connectors.registry import connect
from mover.connectors.s3 import entries
from mover.connectors.s3.listing import listed, row_entry
from mover.core.connector import ListsDeep
from mover.core.errors import Unreachable
from mover.core.model import Batch, ItemId, Kind

PAGE_BYTES = 4096


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


@pytest.mark.anyio
@pytest.mark.parametrize(
    "count", [0, 1, 1_000, 10_000, 100_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_a_large_bucket_in_little_memory(count: int, tmp_path: Path) -> None:
    seen, last, at_first, peak = 0, "", 0, 0
    with bucket_of(count, tmp_path) as site:
        async with connect(options_of(site)) as connector:
            assert isinstance(connector, ListsDeep)
            async for batch in connector.list_deep(ItemId("")):
                assert last < batch.paths[0]
                seen, last = seen + len(batch.paths), batch.paths[-1]
                peak = max(peak, resident())
                at_first = at_first or peak
    assert seen == count
    assert peak - at_first < 32 << 20
    if count:
        assert last == f"d{(count - 1) // 1000:05}/file é{count - 1:08}.dat"


def answer(*rows: str, more: str = "<IsTruncated>false</IsTruncated>", encoded: bool = True) -> bytes:
    objects = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>0</Size></Contents>"
        for key in rows
    )
    how = "<EncodingType>url</EncodingType>" if encoded else ""
    return f"<ListBucketResult>{how}{more}{objects}</ListBucketResult>".encode()


def test_keys_are_decoded_only_if_they_are_encoded() -> None:
    assert listed(answer("a%2Fb+c%2B%C3%A9")).keys == ["a/b c+é"]
    assert listed(answer("a%2Fb+c", encoded=False)).keys == ["a%2Fb+c"]


def test_a_key_that_is_no_utf8_is_carried() -> None:
    assert listed(answer("caf%E9", "two%0Alines")).keys == ["caf\udce9", "two\nlines"]


def row(key: str, tag: str, more: str = "") -> str:
    time = "<LastModified>2026-01-01T00:00:00Z</LastModified>"
    return f"<Contents><Key>{key}</Key>{time}<ETag>{tag}</ETag><Size>1</Size>{more}</Contents>"


OWNER = "<Owner><ID>o</ID></Owner>"
TAG = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize("more", ["", OWNER], ids=["usual", "unusual"])
@pytest.mark.parametrize("quote", ["&quot;", "&#34;", "&#x22;", '"', ""])
def test_an_etag_has_no_quotes_however_they_are_written(quote: str, more: str) -> None:
    got = listed(f"<ListBucketResult>{row('a', quote + TAG + quote, more)}</ListBucketResult>".encode())
    assert (got.keys, got.tags) == (["a"], [TAG])


@pytest.mark.parametrize("more", ["", OWNER], ids=["usual", "unusual"])
@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("a&quot;b", 'a"b'),
        ("&quot;a&quot;", '"a"'),
        ("a&amp;quot;b", "a&quot;b"),
        ("a&#34;b&amp;&lt;", 'a"b&<'),
        ('a"b', 'a"b'),
    ],
)
def test_a_key_keeps_its_quotes(written: str, key: str, more: str) -> None:
    got = listed(f"<ListBucketResult>{row(written, f'&quot;{TAG}&quot;', more)}</ListBucketResult>".encode())
    assert (got.keys, got.tags) == ([key], [TAG])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated>",
        answer(more="<IsTruncated>true</IsTruncated>"),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + answer(),
    ],
)
def test_an_answer_that_is_no_whole_listing_is_never_a_short_one(body: bytes) -> None:
    with pytest.raises(Unreachable):
        listed(body)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b", Kind.FILE),
        ("a/.b", Kind.FILE),
        ("a./b..", Kind.FILE),
        ("...", Kind.FILE),
        ("a/", Kind.FOLDER),
        ("a//b", Kind.OTHER),
        ("/a", Kind.OTHER),
        ("//", Kind.OTHER),
        ("a/./b", Kind.OTHER),
        ("../a", Kind.OTHER),
        ("a/..", Kind.OTHER),
        (".", Kind.OTHER),
    ],
)
def test_what_is_no_path_is_reported_and_not_copied(path: str, kind: Kind) -> None:
    batch = Batch([path], [0 if path.endswith("/") else 5], [0.0], [None])
    assert row_entry(ItemId("root/"), batch, 0, trusted=True).kind is kind


def test_a_marker_that_holds_bytes_is_reported() -> None:
    entry = row_entry(ItemId(""), Batch(["a/"], [5], [0.0], [None]), 0, trusted=True)
    assert (entry.kind, entry.size) == (Kind.OTHER, 5)


@pytest.mark.parametrize("moment", ["0", "1700000000.123456", "-1.5", "1700000000", "0.000001"])
def test_times_are_exact(moment: str) -> None:
    parsed = entries.time_of(moment)
    assert parsed is not None
    assert entries.seconds(parsed) == moment


@pytest.mark.parametrize("moment", [None, "", "soon", "1e400", "999999999999999999"])
def test_times_that_are_none(moment: str | None) -> None:
    assert entries.time_of(moment) is None
