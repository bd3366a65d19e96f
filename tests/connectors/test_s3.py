"""The S3 connector where the conformance suite does not look: witnesses, credentials, parts, odd stores, plain http."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyreqwest.http import HeaderMap
from tests.running import options_of
from tests.sites.base import Site

from mover.conformance.bodies import Sent, content, sample
from mover.connectors.registry import connect, spec
from mover.connectors.s3 import entries, parts
from mover.connectors.s3.address import Object, address
from mover.connectors.s3.client import S3
from mover.core.connector import Connector
from mover.core.errors import BadCredentials, BadOption, Damaged, NotEncrypted, NotFound, Unfit, Untrusted
from mover.core.model import Attributes, Body, Digest, ItemId, Kind
from mover.core.options import CONSENT, Options, Value
from mover.core.spec import Cap
from mover.net.http import Answer

pytestmark = pytest.mark.anyio
Sites = Callable[[str], Site]
Open = Callable[[str], AbstractAsyncContextManager[Connector]]
WHEN = datetime(2001, 9, 9, 1, 46, 40, 123456, tzinfo=UTC)
ROOT = ItemId("")


def rclone(site: Site, folder: Path, *arguments: str) -> str:
    """What rclone says of the same store."""
    config = folder / "rclone.conf"
    config.write_text("[s]\n" + "".join(f"{key} = {value}\n" for key, value in (site.rclone or {}).items()))
    command = [Path(sys.executable).with_name("rclone"), "--config", config, "--ca-cert", site.options["ca_file"]]
    return subprocess.run(
        [*map(str, command), *arguments], check=True, capture_output=True, text=True, timeout=120
    ).stdout


@pytest.mark.parametrize("name", ["moto", "rclone_s3"])
async def test_rclone_reads_what_we_wrote(name: str, site: Sites, open_site: Open, tmp_path: Path) -> None:
    where = site(name)
    async with open_site(name) as s3:
        await s3.write(ItemId("witness/"), "é + 100%.txt", Sent(b"for rclone"), Attributes(modified=WHEN))
        assert rclone(where, tmp_path, "cat", f"s:{where.rclone_path}/witness/é + 100%.txt") == "for rclone"
        (seen,) = json.loads(rclone(where, tmp_path, "lsjson", "--hash", f"s:{where.rclone_path}/witness"))
        assert datetime.fromisoformat(seen["ModTime"]) == WHEN
        assert seen["Hashes"]["md5"] == hashlib.md5(b"for rclone", usedforsecurity=False).hexdigest()
        await s3.remove(ItemId("witness/é + 100%.txt"))


@pytest.mark.parametrize("name", ["moto", "rclone_s3"])
async def test_we_read_what_rclone_wrote(name: str, site: Sites, open_site: Open, tmp_path: Path) -> None:
    where, file = site(name), tmp_path / "from rclone+.bin"
    file.write_bytes(sample(70_001))
    rclone(where, tmp_path, "copyto", "--metadata", str(file), f"s:{where.rclone_path}/theirs/{file.name}")
    async with open_site(name) as s3:
        (entry,) = (await s3.list(ItemId("theirs/"))).entries
        assert (entry.name, entry.size) == (file.name, 70_001)
        async with s3.read(entry) as body:
            assert body.whole == sample(70_001)
            assert body.entry.modified is not None
            assert abs(body.entry.modified.timestamp() - file.stat().st_mtime) < 1e-5
        await s3.remove(entry.id)


async def test_a_wrong_secret_is_bad_credentials(site: Sites) -> None:
    where = site("rclone_s3")
    wrong = replace(where, options={**where.options, "secret_access_key": "wrong"})
    async with connect(options_of(wrong)) as s3:
        with pytest.raises(BadCredentials):
            await s3.root()


async def test_a_store_whose_certificate_does_not_hold_is_never_spoken_to(site: Sites) -> None:
    where = site("rclone_s3")
    options = {key: value for key, value in where.options.items() if key != "ca_file"}
    async with connect(options_of(replace(where, options=options))) as s3:
        with pytest.raises(Untrusted):
            await s3.root()


async def test_a_missing_bucket_is_not_found(site: Sites) -> None:
    where = site("moto")
    other = replace(where, options={**where.options, "bucket": "no-such-bucket"})
    async with connect(options_of(other)) as s3:
        with pytest.raises(NotFound):
            await s3.root()


async def test_without_a_bucket_the_buckets_are_folders(site: Sites) -> None:
    where = site("moto")
    options = {key: value for key, value in where.options.items() if key not in ("bucket", "path")}
    async with connect(options_of(replace(where, options=options))) as s3:
        made = await s3.make_folder(ROOT, "another-bucket")
        assert made == await s3.make_folder(ROOT, "another-bucket")
        assert (made.name, made.kind) == ("another-bucket", Kind.FOLDER)
        assert made in (await s3.list(ROOT)).entries
        entry = await s3.write(made.id, "file", Sent(b"in it"))
        assert (entry.id, entry.parent) == ("another-bucket/file", made.id)
        assert await content(s3, entry) == b"in it"
        await s3.remove(entry.id)
        await s3.remove(made.id)
        assert made not in (await s3.list(ROOT)).entries


async def test_keys_that_are_no_paths_are_listed_and_not_files(site: Sites, open_site: Open) -> None:
    async with open_site("moto") as s3:
        assert isinstance(s3, S3)
        session, base = s3._session, "some folder/in it/odd"
        for key in ("a//b", "/lead", "ok", "mark/"):
            await session.ask("PUT", Object("bucket", f"{base}/{key}"), {}, {}, b"x" if key == "mark/" else b"")
        found = {entry.id: entry.kind for entry in (await s3.list(ItemId("odd/"))).entries}
        assert found == {"odd//": Kind.OTHER, "odd/a/": Kind.FOLDER, "odd/mark/": Kind.FOLDER, "odd/ok": Kind.FILE}
        assert [(e.id, e.kind) for e in (await s3.list(ItemId("odd/a/"))).entries] == [("odd/a//", Kind.OTHER)]
        assert [(e.kind, e.size) for e in (await s3.list(ItemId("odd/mark/"))).entries] == [(Kind.OTHER, 1)]
        paths = [path async for batch in s3.list_deep(ItemId("odd/")) for path in batch.paths]
        assert paths == ["/lead", "a//b", "mark/", "ok"]


async def test_a_store_without_markers_loses_no_name(open_site: Open) -> None:
    async with open_site("rclone_s3") as s3:
        made = await s3.make_folder(ROOT, "no-marker")
        assert made.kind is Kind.FOLDER
        assert not s3.caps & Cap.EMPTY_FOLDERS
        assert "no-marker" not in [entry.name for entry in (await s3.list(ROOT)).entries]
        entry = await s3.write(made.id, "file", Sent(b"x"))
        assert await content(s3, entry) == b"x"
        await s3.remove(entry.id)


class Wrong(Sent):
    """A body that says of itself what is not so: as if it was damaged on the way."""

    digests = (Digest("md5", bytes(16)),)


async def test_other_bytes_than_promised_are_damaged_and_not_kept(open_site: Open) -> None:
    async with open_site("rclone_s3") as s3:
        for streamed in (False, True):
            with pytest.raises(Damaged):
                await s3.write(ItemId("damaged/"), "file", Wrong(sample(70_000), streamed=streamed))
        with pytest.raises(NotFound):
            await s3.list(ItemId("damaged/"))


@pytest.mark.parametrize("name", ["moto", "rclone_s3"])
@pytest.mark.parametrize("size", [(16 << 20) - 1, 16 << 20, (33 << 20) + 7])
async def test_a_large_body_of_unknown_size(name: str, size: int, open_site: Open) -> None:
    async with open_site(name) as s3:
        entry = await s3.write(ROOT, "unknown", Sent(sample(size), claim=None), Attributes(modified=WHEN))
        assert entry.size == size
        # rclone's server answers the end of an upload with another ETag than it shows from then on
        assert await content(s3, replace(entry, version=None)) == sample(size)
        await s3.remove(entry.id)


def test_part_sizes() -> None:
    assert parts.part_size(16 << 20) is None
    for size in ((16 << 20) + 1, 78 << 30, 80 << 30, 5 << 40):
        part = parts.part_size(size)
        assert part is not None
        assert part % (1 << 20) == 0
        assert part >= 8 << 20
        assert -(-size // part) <= 10_000


@pytest.mark.parametrize(
    ("headers", "algorithms"),
    [
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"'}, {"md5"}),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592-12"'}, {"md5-of-parts"}),
        ({"etag": '"5D41402ABC4B2A76B9719D911017C592"'}, set[str]()),
        ({"etag": '"something"'}, set[str]()),
        ({"etag": 'W/"5d41402abc4b2a76b9719d911017c592"'}, set[str]()),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-server-side-encryption": "AES256"}, {"md5"}),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-server-side-encryption": "aws:kms"}, set[str]()),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-server-side-encryption": "aws:kms:dsse"}, set[str]()),
        (
            {
                "etag": '"5d41402abc4b2a76b9719d911017c592"',
                "x-amz-server-side-encryption-customer-algorithm": "AES256",
                "x-amz-checksum-crc64nvme": "rosUhgp5mYg=",
                "x-amz-checksum-type": "FULL_OBJECT",
            },
            {"crc64nvme"},
        ),
        ({"x-amz-checksum-crc32c": "4waSgw==-3", "x-amz-checksum-type": "COMPOSITE"}, set[str]()),
    ],
)
def test_an_etag_is_a_digest_only_where_it_is_one(headers: dict[str, str], algorithms: set[str]) -> None:
    assert {d.algorithm for d in entries.digests_of(Answer(200, HeaderMap(headers), b""))} == algorithms


def test_crc64nvme_is_big_endian() -> None:
    headers = HeaderMap({"x-amz-checksum-crc64nvme": base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()})
    assert entries.digests_of(Answer(200, headers, b"")) == (Digest("crc64nvme", bytes.fromhex("ae8b14860a799888")),)


def given(**options: Value) -> Options:
    return Options(spec("s3"), options)


@pytest.mark.parametrize(
    ("options", "where", "host", "path"),
    [
        ({"bucket": "b-1"}, "k/é +", "b-1.s3.us-east-1.amazonaws.com", "/k/%C3%A9%20%2B"),
        ({"bucket": "b.1", "region": "eu-west-3"}, "k", "s3.eu-west-3.amazonaws.com", "/b.1/k"),
        ({"bucket": "b-1", "region": "cn-north-1"}, "k", "b-1.s3.cn-north-1.amazonaws.com.cn", "/k"),
        ({"bucket": "b-1", "endpoint": "store.example:443"}, "k", "store.example", "/b-1/k"),
        ({"bucket": "b-1", "endpoint": "https://[::1]:9000/", "path": "/a/b/"}, "k", "[::1]:9000", "/b-1/a/b/k"),
        ({"bucket": "b-1", "endpoint": "store.example", "addressing": "virtual"}, "k", "b-1.store.example", "/k"),
        ({"endpoint": "store.example"}, "b-1/k", "store.example", "/b-1/k"),
    ],
)
def test_addresses(options: dict[str, str], where: str, host: str, path: str) -> None:
    made = address(given(**options))
    assert made.request(made.of(where)) == (host, path)
    assert made.id(made.of(where)) == where


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"endpoint": "http://store.example"}, NotEncrypted),
        ({"endpoint": "store.example", "plain_http": True}, NotEncrypted),
        ({"endpoint": "https://store.example", "plain_http": True, CONSENT: True}, BadOption),
        ({"endpoint": "https://user@store.example"}, BadOption),
        ({"endpoint": "https://store.example/path"}, BadOption),
        ({"endpoint": "ftp://store.example"}, BadOption),
        ({"bucket": "a/b"}, BadOption),
    ],
)
def test_addresses_that_are_refused(options: dict[str, Value], error: type[Exception]) -> None:
    with pytest.raises(error):
        address(given(**options))


async def test_half_a_key_is_refused() -> None:
    with pytest.raises(BadOption):
        async with connect(given(bucket="b", access_key_id="only the id")):
            pass


def test_metadata_that_is_no_header_is_unfit() -> None:
    for bad in (Attributes(metadata={"a b": "c"}), Attributes(content_type="text/\nplain")):
        with pytest.raises(Unfit):
            entries.attribute_headers(bad, "file")


class Watched:
    """A body that tells how many of its bytes were asked for before the first failed request could stop it."""

    digests: tuple[Digest, ...] = ()
    whole: bytes | None = None
    size: int | None = None
    asked = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        for _ in range(1000):
            self.asked += 1 << 20
            yield bytes(1 << 20)


async def test_a_body_of_unknown_size_is_not_gathered_in_memory(site: Sites) -> None:
    where, body = site("rclone_s3"), Watched()
    wrong = replace(where, options={**where.options, "secret_access_key": "wrong"})
    kept: Body = body
    async with connect(options_of(wrong)) as s3:
        with pytest.raises(BadCredentials):
            await s3.write(ROOT, "endless", kept)
    assert body.asked <= 17 << 20
