"""`-vv`: each HTTP request on standard error, and nothing in it that is a secret."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import Command, filled
from tests.cli.test_sites import save
from tests.sites.base import Site

from mover.core.errors import Unreachable
from mover.net.http import Http, HttpSettings, http

LINE = re.compile(
    r"(GET|PUT|POST|HEAD|DELETE|PROPFIND|MKCOL|PROPPATCH) [^ ?]+ (\d{3}), \d+ ms, (\d+|\?) B out, (\d+) B in"
)


def requests(err: str) -> list[re.Match[str]]:
    return [found for line in err.splitlines() if (found := LINE.fullmatch(line))]


def test_every_request_of_a_copy_is_told_and_no_secret(site: Callable[[str], Site], mover: Command, tmp_path: Path):
    archive = site("moto")
    assert save(mover, "archive", archive).code == 0
    filled(tmp_path / "from", files=3)
    (tmp_path / "from/large").write_bytes(b"x" * 2_000_000)
    quiet = mover("copy", tmp_path / "from", "archive:wire", "-v")
    assert quiet.code == 0 and not requests(quiet.err)
    (tmp_path / "from/d1/f001").write_bytes(b"y" * 50_000)
    (tmp_path / "from/large").write_bytes(b"z" * 2_000_000)
    done = mover("copy", tmp_path / "from", "archive:wire", "-vv", "--compare", "digest")
    assert done.code == 0, done.err
    told = requests(done.err)
    sent = {m[0].split()[1].rpartition("/wire/")[2]: int(m[3]) for m in told if m[1] == "PUT"}
    assert sent["d1/f001"] == 50_000 and sent["large"] == 2_000_000
    assert "list-type" not in done.err and "Signature" not in done.err
    assert str(archive.options["secret_access_key"]) not in done.err.split()

    listing = mover("ls", "archive:wire", "-R", "-vv")
    assert listing.code == 0 and any(m[1] == "GET" and int(m[4]) > 0 for m in requests(listing.err))
    assert not requests(listing.out)
    back = mover("copy", "archive:wire", tmp_path / "back", "-vv", "--format", "json")
    got = {m[0].split()[1].rpartition("/wire/")[2]: int(m[4]) for m in requests(back.err) if m[1] == "GET"}
    assert got["large"] == 2_000_000 and got["d1/f001"] == 50_000
    assert mover("connection", "check", "archive", "-vv").err.count(" ms, ") > 0


@pytest.mark.anyio
async def test_queries_users_and_headers_are_left_out(caplog: pytest.LogCaptureFixture):
    settings = HttpSettings(allow_plain=True)
    url = "http://canary-user:canary-password@127.0.0.1:1/a%20b?X-Amz-Signature=canary-query#canary-fragment"
    with caplog.at_level(logging.DEBUG, logger="mover.http"):
        async with http(settings) as face:
            for attempt in (
                face.send("GET", url, {"authorization": "canary-header"}),
                upload(face, url),
                read(face, url),
            ):
                with pytest.raises(Unreachable):
                    await attempt
    told = [record.getMessage() for record in caplog.records]
    assert [line.split(",")[0] for line in told] == [
        "GET 127.0.0.1:1/a%20b - Unreachable",
        "PUT 127.0.0.1:1/a%20b - Unreachable",
        "POST 127.0.0.1:1/a%20b - Unreachable",
    ]
    assert "canary" not in "".join(told)


async def upload(face: Http, url: str) -> None:
    await face.upload("PUT", url, {"x": "canary-header"}, b"canary-body" * 100, 1100)


async def read(face: Http, url: str) -> None:
    async with face.stream("POST", url, body=b"canary-body"):
        pass


@pytest.mark.anyio
async def test_what_is_off_is_not_there():
    async with http(HttpSettings()) as face:
        assert type(face) is Http
