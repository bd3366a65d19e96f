"""Giving access back: by the standard, by the token itself, and honestly where no program can."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.oauth.canaries import canary, known, refused
from tests.oauth.token_server import TokenServer

from mover.core.errors import BadOption, MoverError, Throttled, Unreachable
from mover.core.secret import Secret
from mover.oauth.client import Client
from mover.oauth.endpoint import Line
from mover.oauth.provider import Provider, Revocation
from mover.oauth.revoke import revoke
from mover.oauth.tokens import TokenSet

pytestmark = pytest.mark.anyio


@pytest.fixture
def held() -> TokenSet:
    now = datetime.now(UTC)
    made = TokenSet(Secret(canary("access")), Secret(canary("refresh")), now, now + timedelta(hours=1), frozenset())
    known(made)
    return made


async def test_giving_back_where_no_program_can(
    line: Line, provider: Provider, client: Client, held: TokenSet, server: TokenServer
) -> None:
    none = replace(provider, revocation=Revocation.NONE, manage_url="https://provider.example/apps")
    done = await revoke(line, none, client, held)
    assert not done.done and "no way by which a program" in done.told and "https://provider.example/apps" in done.told
    done = await revoke(line, replace(provider, revoke_url=None), client, held)
    assert not done.done and server.asked == []


async def test_giving_back_by_the_standard(
    line: Line, provider: Provider, client: Client, held: TokenSet, server: TokenServer
) -> None:
    server.says(b"")
    assert (await revoke(line, provider, client, held)).done
    assert held.refresh is not None
    assert [(one.path, one.form["token"], one.form["token_type_hint"]) for one in server.asked] == [
        ("/revoke", held.refresh.reveal(), "refresh_token"),
        ("/revoke", held.access.reveal(), "access_token"),
    ]


async def test_giving_back_by_the_token_itself(
    line: Line, provider: Provider, client: Client, held: TokenSet, server: TokenServer
) -> None:
    server.says(b"null")
    assert (await revoke(line, replace(provider, revocation=Revocation.BEARER), client, held)).done
    assert (
        server.asked[0].headers["authorization"] == f"Bearer {held.access.reveal()}" and server.asked[0].body == b"null"
    )
    server.says({"error": {".tag": "invalid_access_token"}}, 401)
    assert (await revoke(line, replace(provider, revocation=Revocation.BEARER), client, held)).done


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "invalid_token", None),
        (400, "invalid_grant", None),
        (400, "unsupported_token_type", BadOption),
        (401, "invalid_client", MoverError),
        (503, "x", Unreachable),
        (429, "x", Throttled),
        (302, "x", Unreachable),
        (404, None, Unreachable),
    ],
)
async def test_giving_back_is_not_claimed_if_it_failed(
    status: int,
    error: str | None,
    kind: type[MoverError] | None,
    line: Line,
    provider: Provider,
    client: Client,
    held: TokenSet,
    server: TokenServer,
) -> None:
    server.says({} if error is None else {"error": error}, status)
    if kind is None:
        assert (await revoke(line, provider, client, held)).done
        return
    with refused(kind):
        await revoke(line, provider, client, held)
