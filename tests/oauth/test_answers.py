"""Token answers: what is taken, and what is refused, over TLS from a server that says it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.oauth.canaries import canary, refused
from tests.oauth.token_server import Reply, TokenServer, fine

from mover.core.errors import BadCredentials, Unreachable
from mover.oauth import endpoint
from mover.oauth.client import Client
from mover.oauth.endpoint import LONGEST_ANSWER, Line
from mover.oauth.failures import SignInEnded
from mover.oauth.grants import ClientCredentials, granted, refreshed
from mover.oauth.provider import Provider
from mover.oauth.tokens import TokenSet, token_set

pytestmark = pytest.mark.anyio
GRANT = ClientCredentials(("files.read", "files.write"))


async def asked(line: Line, provider: Provider, client: Client) -> TokenSet:
    return await granted(line, provider, client, GRANT)


async def test_a_good_answer(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    body = fine(scope="files.read other", expires_in=3600)
    server.says(body)
    before = line.clock.now()
    tokens = await asked(line, provider, client)
    assert tokens.access.reveal() == body["access_token"]
    assert tokens.refresh is not None and tokens.refresh.reveal() == body["refresh_token"]
    assert (
        tokens.expires is not None
        and before <= tokens.obtained
        and tokens.expires == tokens.obtained + timedelta(hours=1)
    )
    assert tokens.missing(GRANT.scopes) == {"files.write"}
    assert server.asked[0].form["grant_type"] == "client_credentials"
    assert server.asked[0].form["scope"] == "files.read files.write"
    assert server.asked[0].headers["accept"] == "application/json"


async def test_without_scope_all_was_granted(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(fine())
    assert (await asked(line, provider, client)).scopes == {"files.read", "files.write"}


async def test_a_life_as_text(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    server.says(fine(expires_in="60"))
    tokens = await asked(line, provider, client)
    assert tokens.expires == tokens.obtained + timedelta(seconds=60)


@pytest.mark.parametrize(("unsaid", "life"), [(600, timedelta(seconds=600)), (0, None)])
async def test_a_life_that_is_unsaid_is_the_providers_own(
    unsaid: int, life: timedelta | None, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(fine(expires_in=None))
    tokens = await asked(line, replace(provider, life_unsaid=unsaid), client)
    assert tokens.expires == (None if life is None else tokens.obtained + life)


BAD: list[dict[str, Any]] = [
    {"token_type": None},
    {"token_type": "mac"},
    {"token_type": ["Bearer"]},
    {"token_type": "DPoP"},
    {"access_token": None},
    {"access_token": ""},
    {"access_token": 7},
    {"access_token": "two words"},
    {"access_token": "line\r\nX-Injected: 1"},
    {"access_token": "tökén"},
    {"access_token": "a" * 20_000},
    {"refresh_token": {"a": 1}},
    {"refresh_token": ""},
    {"refresh_token": "r" * 20_000},
    {"expires_in": None},
    {"expires_in": 0},
    {"expires_in": -1},
    {"expires_in": 10**12},
    {"expires_in": "9" * 11},
    {"expires_in": "soon"},
    {"expires_in": 3600.5},
    {"expires_in": True},
    {"expires_in": [3600]},
    {"scope": ["files.read"]},
    {"scope": "a\nb"},
]


@pytest.mark.parametrize("change", BAD, ids=lambda change: json.dumps(change)[:40])
async def test_an_answer_that_is_not_by_the_letter_is_refused(
    change: dict[str, Any], line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(fine(**change))
    with refused(Unreachable, "Generic"):
        await asked(line, provider, client)
    assert len(server.asked) == 1


def doubled(name: str) -> bytes:
    """A field twice: whoever reads the first sees another thing than whoever reads the last."""
    plain = json.dumps(fine())
    return f'{plain[:-1]}, "{name}": "{canary()}"}}'.encode()


GARBAGE: list[tuple[str, bytes, str]] = [
    ("html", b"<html><form action=/login>sign in</form></html>", "text/html; charset=utf-8"),
    ("json said to be html", json.dumps(fine()).encode(), "text/html"),
    ("nothing", b"", "application/json"),
    ("cut", json.dumps(fine()).encode()[:-3], "application/json"),
    ("a list", b"[1]", "application/json"),
    ("null", b"null", "application/json"),
    ("two tokens", doubled("access_token"), "application/json"),
    ("two types", doubled("token_type"), "application/json"),
    ("no utf-8", b'{"access_token": "\xff"}', "application/json"),
    ("deep", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json"),
    ("no number", b'{"access_token": "a", "token_type": "bearer", "expires_in": NaN}', "application/json"),
    ("a huge number", b'{"expires_in": ' + b"9" * 5000 + b"}", "application/json"),
]


@pytest.mark.parametrize(("body", "kind"), [g[1:] for g in GARBAGE], ids=[g[0] for g in GARBAGE])
async def test_what_is_no_answer_is_refused(
    body: bytes, kind: str, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(body, Content_Type=kind)
    with refused(Unreachable, "no token answer") as found:
        await asked(line, provider, client)
    assert "proxy" in found.value.advice


async def test_a_huge_answer_is_cut_off(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    server.says(json.dumps({**fine(), "more": "x" * LONGEST_ANSWER}).encode())
    with refused(Unreachable, "without end"):
        await asked(line, provider, client)


async def test_a_huge_answer_is_not_read(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    """It says that it is a gigabyte, and drips: reading on would take for ever."""
    server.says(b"x" * (LONGEST_ANSWER + (1 << 20)), Content_Length=str(1 << 30))
    with refused(Unreachable, "without end"):
        await asked(line, provider, client)


async def test_a_slow_drip_is_left(
    line: Line, provider: Provider, client: Client, server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps no connection idle, and still ends."""
    monkeypatch.setattr(endpoint, "SECONDS", 0.7)
    server.says(fine(), drip=0.1)
    began = time.monotonic()
    with refused(Unreachable, "did not answer in"):
        await asked(line, provider, client)
    assert time.monotonic() - began < 10  # the answer would take 15 s and more


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(
    status: int, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    """A secret goes to the address that was set and nowhere else."""
    server.says(fine(), status, Location=f"{server.url}/elsewhere")
    with refused(Unreachable, "redirect"):
        await asked(line, provider, client)
    assert [one.path for one in server.asked] == ["/token"]


async def test_an_error_with_a_good_status_is_an_error(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says({**fine(), "error": "invalid_client", "error_description": canary()})
    with refused(BadCredentials, "registration"):
        await asked(line, provider, client)


@pytest.mark.parametrize("used_before", [True, False])
async def test_nothing_is_sent_twice(
    *, used_before: bool, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    """A token that is good for one use is lost if a connection that ends makes the library try again by itself."""
    server.says(fine())
    if used_before:
        await asked(line, provider, client)
    server.asked.clear()
    server.answering = lambda _: Reply(hangs_up=True)
    with refused(Unreachable):
        await asked(line, provider, client)
    assert len(server.asked) == 1


async def test_refreshing(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    server.says(fine())
    first = await asked(line, provider, client)
    server.says(fine(refresh_token=None, scope="files.read"))
    second = await refreshed(line, provider, client, first)
    assert second.refresh is not None and first.refresh is not None and second.refresh.matches(first.refresh)
    assert second.previous is None and second.scopes == {"files.read"}
    server.says(fine())
    third = await refreshed(line, provider, client, second)
    assert third.refresh is not None and not third.refresh.matches(first.refresh)
    assert third.previous is not None and third.previous.matches(first.refresh)
    assert server.asked[-1].form["refresh_token"] == first.refresh.reveal()
    assert "scope" not in server.asked[-1].form


async def test_the_token_before_is_tried_once_while_its_successor_is_unproved(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(fine())
    first = await asked(line, provider, client)
    server.says(fine())
    second = await refreshed(line, provider, client, first)
    server.asked.clear()
    server.says({"error": "invalid_grant"}, 400)
    with refused(SignInEnded, "withdrawn or has expired"):
        await refreshed(line, provider, client, second)
    assert second.refresh is not None and first.refresh is not None
    assert [one.form["refresh_token"] for one in server.asked] == [second.refresh.reveal(), first.refresh.reveal()]


async def test_without_a_refresh_token_nobody_is_asked(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(fine(refresh_token=None))
    tokens = await asked(line, provider, client)
    server.asked.clear()
    with refused(SignInEnded, "cannot be renewed"):
        await refreshed(line, provider, client, tokens)
    assert server.asked == []


async def test_tokens_are_saved_and_read_again(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    server.says(fine())
    before = await asked(line, provider, client)
    server.says(fine())
    first = await refreshed(line, provider, client, before)
    again = token_set(first.sealable())
    assert again.access.matches(first.access) and again.expires == first.expires and again.scopes == first.scopes
    assert again.refresh is not None and first.refresh is not None and again.refresh.matches(first.refresh)
    assert again.previous is not None and first.previous is not None and again.previous.matches(first.previous)
