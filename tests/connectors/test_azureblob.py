"""Azure Blob beyond the conformance suite: refusals, addresses, signatures, metadata, and rclone as a witness. The server is Azurite."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import HeaderMap
from tests.sites.azurite import CONTAINER, sas
from tests.sites.base import Missing, Site, certificates, program

from mover.connectors.azureblob import entries, listing, parts
from mover.connectors.azureblob.address import address
from mover.connectors.azureblob.errors import failure
from mover.connectors.azureblob.session import credentials
from mover.connectors.azureblob.spec import SPEC
from mover.connectors.azureblob.xml import parse
from mover.connectors.registry import connect
from mover.core.connector import Connector
from mover.core.errors import (
    BadCredentials,
    BadOption,
    Changed,
    Conflict,
    Damaged,
    Denied,
    Locked,
    MoverError,
    NotEncrypted,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
    Untrusted,
)
from mover.core.model import Attributes, Digest, Entry, ItemId, Kind
from mover.core.options import Options, Value
from mover.net.http import Answer

WHEN = datetime(2021, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


@dataclass
class Sent:
    """A body at hand."""

    whole: bytes
    digests: tuple[Digest, ...] = ()

    @property
    def size(self) -> int:
        return len(self.whole)

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.whole


@pytest.fixture(scope="module")
def running(site: Callable[[str], Site]) -> Site:
    return site("azurite")


def _options(running: Site, **more: Value) -> Options:
    return Options(SPEC, {k: v for k, v in {**running.options, **more}.items() if v != ""})


def _error(code: str, status: int, message: str = "words", **headers: str) -> MoverError:
    body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}\nRequestId:1\n</Message></Error>'
    return failure(Answer(status, HeaderMap(headers), b""), body.encode() if code else b"", "x")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AuthenticationFailed", 403, BadCredentials),
        ("AuthorizationPermissionMismatch", 403, Denied),
        ("BlobNotFound", 404, NotFound),
        ("ContainerBeingDeleted", 409, Locked),
        ("LeaseIdMissing", 412, Locked),
        ("ConditionNotMet", 412, Changed),
        ("InvalidRange", 416, Changed),
        ("Md5Mismatch", 400, Damaged),
        ("ServerBusy", 503, Throttled),
        ("OperationTimedOut", 500, Unreachable),
        ("InvalidBlobType", 409, Conflict),
        ("RequestBodyTooLarge", 413, Unfit),
        ("BlobArchived", 409, Conflict),
        ("", 404, NotFound),
        ("", 429, Throttled),
        ("", 418, Refused),
        ("", 599, Unreachable),
    ],
)
def test_codes(code: str, status: int, error: type[MoverError]) -> None:
    found = _error(code, status)
    assert type(found) is error
    assert found.detail == (f"{code}: words" if code else f"HTTP {status}")


def test_retry_after_and_head_answers() -> None:
    assert _error("ServerBusy", 503, **{"retry-after": "7"}).after == 7
    assert type(failure(Answer(404, HeaderMap({"x-ms-error-code": "ContainerNotFound"}), b""), b"", "x")) is NotFound
    assert type(failure(Answer(502, HeaderMap({}), b""), b"<html><body>proxy", "x")) is Unreachable


def test_a_document_type_is_refused() -> None:
    with pytest.raises(Unreachable):
        parse(b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"endpoint": "http://127.0.0.1:1/a"}, NotEncrypted),
        ({"endpoint": "https://u@h"}, BadOption),
        ({"account": "No-Account"}, BadOption),
        ({"container": "Bad--Name"}, BadOption),
        ({"plain_http": True}, NotEncrypted),
        ({"plain_http": True, "allow_unencrypted": True, "endpoint": "https://h"}, BadOption),
        ({"key": "not base64!"}, BadOption),
        ({"key": "AAAA", "sas_token": "sig=x"}, BadOption),
        ({"sas_token": "sp=r"}, BadOption),
    ],
)
def test_bad_options(given: dict[str, Value], error: type[MoverError]) -> None:
    def read() -> None:
        options = Options(SPEC, {"account": "account1", "container": "c01", **given})
        address(options)
        credentials(options)

    with pytest.raises(error):
        read()


def test_addresses() -> None:
    where = address(Options(SPEC, {"account": "account1", "container": "c01", "path": "/a b/"}))
    assert (
        where.origin + where.of("x+y%z/ü?#")
        == "https://account1.blob.core.windows.net/c01/a%20b/x%2By%25z/%C3%BC%3F%23"
    )


@given(st.dictionaries(st.text("abcz09_-x. ü", min_size=1, max_size=12), st.text(max_size=12), max_size=3))
def test_metadata_comes_back(metadata: dict[str, str]) -> None:
    headers = entries.attribute_headers(Attributes(WHEN, "text/plain", metadata), "x")
    for name, value in headers.items():
        assert name.isascii() and value.isascii() and value.isprintable()
        if name.startswith("x-ms-meta-"):
            assert name.removeprefix("x-ms-meta-").isidentifier()
    if "mtime" not in metadata:
        assert entries.attributes_of(headers) == Attributes(WHEN, "text/plain", metadata)


def test_times_are_rclones() -> None:
    assert entries.rfc3339(WHEN) == "2021-03-04T05:06:07.890123000Z"
    assert entries.time_of("2021-03-04T05:06:07.890123456Z") == WHEN
    assert entries.time_of("yesterday") is None


@given(st.integers(parts.SMALL + 1, SPEC.limits.file_size or 0))
def test_blocks_are_never_too_many(size: int) -> None:
    block = parts.part_size(size) or 0
    assert 0 < -(-size // block) <= parts.BLOCKS
    assert block % (1 << 20) == 0
    assert block <= 4000 << 20


def test_names_that_xml_cannot_hold() -> None:
    assert listing.name_of(parse(b'<Blob><Name Encoded="true">a%01%25</Name></Blob>')) == "a\x01%"
    assert listing.name_of(parse(b"<Blob><Name>a%01</Name></Blob>")) == "a%01"


@pytest.mark.anyio
async def test_who_may_not_come_in(running: Site, tmp_path: Path) -> None:
    async def root(**more: Value) -> None:
        async with connect(_options(running, **more)) as connector:
            await connector.root()

    await root()
    # Azure answers AuthenticationFailed, which is BadCredentials (`test_codes`); Azurite has AuthorizationFailure for it.
    with pytest.raises((BadCredentials, Denied), match="failed to authenticate"):
        await root(key=base64.b64encode(secrets.token_bytes(64)).decode())
    with pytest.raises(Untrusted):
        await root(ca_file="")
    with pytest.raises(Untrusted):
        await root(ca_file=str(certificates(tmp_path / "other").ca))
    with pytest.raises(NotFound):
        await root(container="nowhere")


@pytest.mark.anyio
async def test_a_token_allows_what_it_says_and_is_never_told(running: Site) -> None:
    token = sas(running.notes["key"], "rl")
    async with connect(_options(running, key="", sas_token=token)) as connector:
        assert (await connector.root()).kind is Kind.FOLDER
        with pytest.raises(Denied) as caught:
            await connector.write(ItemId(""), "refused", Sent(b"x"))
        assert token[-20:] not in str(caught.value)
    async with connect(_options(running, key="", sas_token=sas(running.notes["key"], "rl", minutes=-5))) as connector:
        with pytest.raises((BadCredentials, Denied)):
            await connector.root()


@pytest.mark.anyio
async def test_other_bytes_than_announced_are_damaged(running: Site) -> None:
    wrong = Digest("md5", bytes(16))
    async with connect(_options(running)) as connector:
        # Azure answers Md5Mismatch, which is Damaged (`test_codes`); Azurite has a code of its own for it.
        with pytest.raises((Damaged, Refused), match=r"(?i)md5"):
            await connector.write(ItemId(""), "damaged", Sent(b"x", (wrong,)))
        with pytest.raises(NotFound):
            await connector.list(ItemId("damaged/"))


@pytest.mark.anyio
@pytest.mark.parametrize("state", ["", "{}", "[1]", '["a", 1]'])
async def test_a_state_that_is_none(running: Site, state: str) -> None:
    async with connect(_options(running)) as connector:
        with pytest.raises(NotFound):
            await connector.resume(state)  # type: ignore[attr-defined]  # the connector has Cap.PARTS


@pytest.mark.anyio
async def test_a_folder_of_the_container_is_all_there_is(running: Site) -> None:
    async with connect(_options(running)) as whole, connect(_options(running, path="in side")) as inside:
        await whole.write(ItemId("outside/"), "a", Sent(b"1"))
        entry = await inside.write(ItemId("d/"), "b", Sent(b"2"))
        assert entry.id == "d/b"
        assert [e.id for e in (await inside.list(ItemId(""))).entries] == ["d/"]
        assert [e.id for e in (await whole.list(ItemId("in side/d/"))).entries] == ["in side/d/b"]


@pytest.mark.anyio
async def test_rclone_reads_what_we_wrote_and_we_read_what_rclone_wrote(running: Site, tmp_path: Path) -> None:
    ours = {"plain.txt": b"hello", "a b/ü+%.bin": secrets.token_bytes(100_000), "empty": b""}
    async with connect(_options(running, path="witness")) as connector:
        for path, data in ours.items():
            folder, _, name = path.rpartition("/")
            await connector.write(ItemId(f"{folder}/" if folder else ""), name, Sent(data), Attributes(WHEN))
        (mine := tmp_path / "mine").mkdir()
        await asyncio.to_thread(_rclone, running, tmp_path, "copy", f"site:{CONTAINER}/witness", str(mine))
        assert {str(p.relative_to(mine)): p.read_bytes() for p in mine.rglob("*") if p.is_file()} == ours
        assert abs((mine / "plain.txt").stat().st_mtime - WHEN.timestamp()) < 1e-6
        listed = json.loads(
            await asyncio.to_thread(_rclone, running, tmp_path, "lsjson", "-R", "--hash", f"site:{CONTAINER}/witness")
        )
        assert {e["Path"] for e in listed if not e["IsDir"]} == set(ours)
        (mine / "theirs").write_bytes(b"from rclone")
        os.utime(mine / "theirs", (WHEN.timestamp(), WHEN.timestamp()))
        await asyncio.to_thread(
            _rclone, running, tmp_path, "copyto", str(mine / "theirs"), f"site:{CONTAINER}/witness/theirs"
        )
        entry = next(e for e in (await connector.list(ItemId(""))).entries if e.name == "theirs")
        assert entry.modified is not None
        assert abs((entry.modified - WHEN).total_seconds()) < 1e-5
        assert await _content(connector, entry) == b"from rclone"


async def _content(connector: Connector, entry: Entry) -> bytes:
    async with connector.read(entry) as download:
        return download.whole or b"".join([piece async for piece in download.chunks()])


def _rclone(site: Site, folder: Path, *arguments: str) -> str:
    try:
        rclone = program("rclone", package="rclone")
    except Missing as missing:
        pytest.skip(str(missing))
    (config := folder / "rclone.conf").write_text(
        "[site]\n" + "".join(f"{k} = {v}\n" for k, v in (site.rclone or {}).items())
    )
    command = [rclone, "--config", str(config), "--ca-cert", site.notes["ca"], "--retries", "1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
