"""What a provider's refusals mean, and that none of its words are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.oauth.canaries import canary, refused
from tests.oauth.test_answers import asked
from tests.oauth.token_server import TokenServer

from mover.core.errors import BadCredentials, BadOption, MoverError, Throttled, Unreachable, Untrusted
from mover.net.http import HttpSettings, http
from mover.oauth.client import Client
from mover.oauth.endpoint import Line
from mover.oauth.failures import SignInEnded
from mover.oauth.provider import Provider

pytestmark = pytest.mark.anyio


# RFC 6749 §5.2, RFC 7009 §2.2.1, and what providers add
ERRORS: list[tuple[int, Any, type[MoverError]]] = [
    (400, "invalid_grant", SignInEnded),
    (400, "interaction_required", SignInEnded),
    (401, "invalid_client", BadCredentials),
    (400, "unauthorized_client", BadCredentials),
    (403, "access_denied", BadCredentials),
    (400, "invalid_request", BadOption),
    (400, "unsupported_grant_type", BadOption),
    (400, "invalid_scope", BadOption),
    (400, "something_new", BadOption),
    (400, "slow_down", Throttled),
    (429, "anything", Throttled),
    (400, "temporarily_unavailable", Unreachable),
    (500, "server_error", Unreachable),
    (502, "invalid_grant", Unreachable),
    (503, None, Unreachable),
    (400, None, Unreachable),
    (400, 7, Unreachable),
    (404, None, Unreachable),
    (200, {"nested": 1}, Unreachable),
]


@pytest.mark.parametrize(("status", "code", "kind"), ERRORS)
async def test_what_a_refusal_means(
    status: int, code: Any, kind: type[MoverError], line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    said = canary("described")
    body = {"error": code, "error_description": said, "error_uri": f"https://example.org/{said}"}
    server.says({name: value for name, value in body.items() if value is not None}, status)
    with refused(kind) as found:
        await asked(line, provider, client)
    assert type(found.value) is kind and said not in found.value.detail + found.value.advice


@pytest.mark.parametrize("status", [429, 503])
async def test_how_long_to_wait(
    status: int, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says({"error": "x"}, status, Retry_After="17")
    with refused(Throttled) as found:
        await asked(line, provider, client)
    assert found.value.after == 17


async def test_a_status_of_the_providers_own_for_too_often(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(b"too many", 409, Content_Type="text/plain", Retry_After="3600")
    with refused(Throttled) as found:
        await asked(line, replace(provider, throttled=frozenset({409, 429})), client)
    assert found.value.after == 3600


@pytest.mark.parametrize(
    ("date", "way"), [("Mon, 01 Jan 2035 00:00:00 GMT", "behind"), ("Mon, 01 Jan 2001 00:00:00 GMT", "ahead")]
)
async def test_a_wrong_clock_is_named(
    date: str, way: str, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says({"error": "invalid_client"}, 401, Date=date)
    with refused(BadCredentials) as found:
        await asked(line, provider, client)
    assert way in found.value.advice and "NTP" in found.value.advice


async def test_a_server_that_does_not_prove_itself_gets_no_secret(
    provider: Provider, client: Client, server: TokenServer, line: Line
) -> None:
    async with http(HttpSettings()) as trusting_the_system_only:
        with refused(Untrusted):
            await asked(Line(trusting_the_system_only, line.clock), provider, client)
    assert server.asked == []


async def test_a_closed_door(line: Line, provider: Provider, client: Client) -> None:
    with refused(Unreachable):
        await asked(line, replace(provider, token_url="https://127.0.0.1:1/token"), client)
