"""The lane of large bodies through a proxy."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trustme
from tests.net.http_server import OK, Proxy, Server, pieces, serving

from mover.core.errors import BadOption, Unreachable, Untrusted
from mover.net.http import HttpSettings, http

pytestmark = pytest.mark.anyio

BIG = b"x" * (3 << 20)
PAIR = base64.b64encode(b"me@home:p:w/d").decode()


@pytest.fixture
async def proxy() -> AsyncGenerator[Proxy]:
    made = Proxy()
    async with serving(made, None):
        yield made


async def both(settings: HttpSettings, address: str) -> None:
    """A stream and an upload, each lane once."""
    async with http(settings) as client:
        async with client.stream("GET", f"{address}/a?b") as answer:
            assert (answer.status, await answer.rest()) == (200, b"ok")
        assert (await client.upload("PUT", address, {}, pieces(BIG), len(BIG))).body == b"ok"
        if "[" not in address:  # pyreqwest cannot: "Invalid Server Name"
            assert (await client.send("GET", address)).body == b"ok"


@pytest.mark.parametrize("user", ["", "me%40home:p%3Aw%2Fd@"])
@pytest.mark.parametrize(("host", "name"), [("localhost", "localhost"), ("[::1]", "::1")])
async def test_https_goes_through_a_tunnel(
    proxy: Proxy, authority: trustme.CA, ca_file: Path, user: str, host: str, name: str
) -> None:
    proxy.secret = f": Basic {PAIR}\r\n" if user else ""
    server = Server()
    async with serving(server, authority.issue_cert(name), host) as address:
        await both(HttpSettings(ca_file=ca_file, proxy=f"http://{user}127.0.0.1:{proxy.port}"), address)
    assert {head.split()[1] for head in proxy.heads} == {f"{host}:{server.port}"}
    assert len(server.heads) >= 2
    assert not any("proxy-authorization" in head.lower() for head in server.heads)


@pytest.mark.parametrize("user", ["", "me%40home:p%3Aw%2Fd@"])
async def test_plain_http_asks_for_the_whole_address(proxy: Proxy, user: str) -> None:
    proxy.secret = f": Basic {PAIR}\r\n" if user else ""
    settings = HttpSettings(proxy=f"http://{user}127.0.0.1:{proxy.port}", allow_plain=True)
    async with http(settings) as client, client.stream("GET", "http://elsewhere.example:81/a?b") as answer:
        assert (answer.status, await answer.rest()) == (200, OK[-2:])
    assert proxy.heads[0].startswith("GET http://elsewhere.example:81/a?b HTTP/1.1\r\n")
    assert "host: elsewhere.example:81\r\n" in proxy.heads[0]


async def test_a_proxy_that_refuses(proxy: Proxy, ca_file: Path) -> None:
    proxy.secret = "nobody knows"
    settings = HttpSettings(ca_file=ca_file, proxy=f"http://me:s3cr3t@127.0.0.1:{proxy.port}")
    async with http(settings) as client:
        with pytest.raises(Unreachable, match="407") as caught:
            await client.upload("PUT", "https://localhost:1/", {}, BIG, len(BIG))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nX: y",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (1 << 16),
    ],
)
async def test_a_proxy_that_speaks_nonsense(ca_file: Path, answer: bytes) -> None:
    proxy = Server(answer=answer, then="drop")
    async with serving(proxy, None):
        settings = HttpSettings(ca_file=ca_file, proxy=f"http://127.0.0.1:{proxy.port}")
        async with http(settings) as client:
            with pytest.raises(Unreachable):
                await client.upload("PUT", "https://localhost:1/", {}, BIG, len(BIG))
        await proxy.left()


async def test_a_silent_proxy(ca_file: Path) -> None:
    proxy = Server(answer=b"", then="hang")
    async with serving(proxy, None):
        settings = HttpSettings(ca_file=ca_file, proxy=f"http://127.0.0.1:{proxy.port}", connect=0.3)
        async with http(settings) as client:
            with pytest.raises(Unreachable):
                await client.upload("PUT", "https://localhost:1/", {}, BIG, len(BIG))
        await proxy.left()


async def test_a_proxy_cannot_stand_in_for_the_server(proxy: Proxy, ca_file: Path) -> None:
    async with serving(Server(), trustme.CA().issue_cert("localhost")) as address:
        settings = HttpSettings(ca_file=ca_file, proxy=f"http://127.0.0.1:{proxy.port}")
        async with http(settings) as client:
            with pytest.raises(Untrusted):
                await client.upload("PUT", address, {}, BIG, len(BIG))


@pytest.mark.parametrize(
    "proxy", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "http://", "http://h:port", "http://[::", "::"]
)
async def test_a_proxy_that_cannot_be_used_is_refused_at_once(proxy: str) -> None:
    with pytest.raises(BadOption, match="proxy"):
        async with http(HttpSettings(proxy=proxy)):
            pass
