"""ID tokens: only this sign-in's is taken."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.oauth.canaries import known, refused
from tests.oauth.test_sign_in import SCOPES, begun, finished
from tests.oauth.token_server import TokenServer, fine

from mover.core.errors import BadOption, Untrusted
from mover.oauth.client import Client
from mover.oauth.endpoint import Line
from mover.oauth.provider import Provider

pytestmark = pytest.mark.anyio


def id_token(**claims: Any) -> str:
    def part(of: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(of).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({name: value for name, value in claims.items() if value is not None})}.x"


ID_TOKENS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"aud": ["mover-client"]}, True),
    ({"aud": ["mover-client", "other"], "azp": "mover-client"}, True),
    ({"aud": ["mover-client", "other"]}, False),
    ({"aud": "other"}, False),
    ({"aud": None}, False),
    ({"azp": "other"}, False),
    ({"iss": "https://attacker.example"}, False),
    ({"iss": None}, False),
    ({"nonce": "another"}, False),
    ({"nonce": None}, False),
    ({"nonce": 7}, False),
    ({"exp": 1_000_000_000}, False),
    ({"exp": None}, False),
    ({"exp": "tomorrow"}, False),
    ({"iat": 4_000_000_000}, False),
    ({"sub": None}, False),
    ({"sub": ""}, False),
    ({"sub": "s" * 300}, False),
]


@pytest.mark.parametrize(("change", "holds"), ID_TOKENS, ids=lambda given: str(given)[:30])
async def test_an_id_token_must_be_this_sign_ins(
    *, change: dict[str, Any], holds: bool, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    query, kept = begun(provider, client, line, ("openid", *SCOPES))
    assert kept.nonce is not None and query["nonce"] == kept.nonce.reveal()
    good = {
        "iss": provider.issuer,
        "sub": "alice",
        "aud": client.id,
        "nonce": kept.nonce.reveal(),
        "exp": time.time() + 60,
        "iat": time.time(),
    }
    token = id_token(**(good | change))
    known(token)
    server.says(fine(id_token=token))
    if holds:
        assert (await finished(line, provider, client, kept)).subject == "alice"
        return
    with refused(Untrusted):
        await finished(line, provider, client, kept)


@pytest.mark.parametrize(
    "token", [None, "a.b", "a.b.c", "a.!!!.c", "a." + base64.urlsafe_b64encode(b"[1]").decode().rstrip("=") + ".c"]
)
async def test_what_is_no_id_token(
    token: str | None, line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    _, kept = begun(provider, client, line, ("openid",))
    server.says(fine(id_token=token))
    with refused(Untrusted):
        await finished(line, provider, client, kept)


async def test_an_id_token_needs_an_issuer(line: Line, provider: Provider, client: Client) -> None:
    with refused(BadOption):
        begun(replace(provider, issuer=None), client, line, ("openid",))
