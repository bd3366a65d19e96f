"""Discovery: what a server publishes of itself, and servers that lie."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.oauth.canaries import refused
from tests.oauth.token_server import Asked, Reply, TokenServer

from mover.core.errors import BadOption, MoverError, NotEncrypted, Unreachable, Untrusted
from mover.oauth.discovery import discovered
from mover.oauth.endpoint import Line
from mover.oauth.provider import Provider

pytestmark = pytest.mark.anyio


def metadata(url: str, **more: Any) -> dict[str, Any]:
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/a",
        "token_endpoint": f"{url}/t",
        "code_challenge_methods_supported": ["S256"],
        "response_types_supported": ["code"],
        **more,
    }


async def test_discovery_prefers_the_oauth_form(line: Line, provider: Provider, server: TokenServer) -> None:
    server.says(metadata(server.url, authorization_response_iss_parameter_supported=True))
    found = await discovered(line, provider)
    assert (found.authorize_url, found.token_url) == (f"{server.url}/a", f"{server.url}/t") and found.announces_issuer
    assert [one.path for one in server.asked] == ["/.well-known/oauth-authorization-server"]


async def test_discovery_of_an_issuer_with_a_path(line: Line, provider: Provider, server: TokenServer) -> None:
    """RFC 8414 §3.1 puts the name between host and path, OpenID behind it."""
    issuer = f"{server.url}/tenant/v2.0"

    def answering(asked: Asked) -> Reply:
        good = asked.path == "/tenant/v2.0/.well-known/openid-configuration"
        return Reply(metadata(issuer, token_endpoint=f"{server.url}/t")) if good else Reply(b"", 404)

    server.answering = answering
    assert (await discovered(line, replace(provider, issuer=issuer))).token_url == f"{server.url}/t"
    assert server.asked[0].path == "/.well-known/oauth-authorization-server/tenant/v2.0"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"issuer": "https://attacker.example"}, Untrusted),
        ({"issuer": None}, Untrusted),
        ({"token_endpoint": "http://provider.example/t"}, NotEncrypted),
        ({"token_endpoint": 7}, Unreachable),
        ({"code_challenge_methods_supported": ["plain"]}, BadOption),
        ({"response_types_supported": ["token"]}, BadOption),
    ],
)
async def test_discovery_of_what_does_not_fit(
    change: dict[str, Any], kind: type[MoverError], line: Line, provider: Provider, server: TokenServer
) -> None:
    server.says(metadata(server.url, **change))
    with refused(kind):
        await discovered(line, provider)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", 200),
        (b"", 404),
        (b"", 500),
        (b"{}", 302),
        (b"[]", 200),
        (json.dumps({"a": "x" * 70_000}).encode(), 200),
    ],
)
async def test_discovery_of_nothing(
    body: bytes, status: int, line: Line, provider: Provider, server: TokenServer
) -> None:
    server.says(body, status, Location=f"{server.url}/elsewhere")
    with refused(Unreachable):
        await discovered(line, provider)
    assert not any(one.path == "/elsewhere" for one in server.asked)
