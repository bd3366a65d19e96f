"""A sign-in from its beginning to its end: what is sent, what must come back, and what is refused."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from tests.oauth.canaries import canary, known, refused
from tests.oauth.token_server import TokenServer, fine

from mover.core.errors import BadCredentials, BadOption, MoverError, NotEncrypted, Unreachable, Untrusted, WrongState
from mover.oauth.begin import begin
from mover.oauth.callback import callback
from mover.oauth.client import Client, Proof
from mover.oauth.endpoint import Line
from mover.oauth.failures import SignInEnded
from mover.oauth.finish import SignedIn, finish
from mover.oauth.pending import Pending
from mover.oauth.provider import Provider

pytestmark = pytest.mark.anyio
REDIRECT = "https://mover.example/oauth/callback/generic"
SCOPES = ("files.read", "files.write")


def begun(
    provider: Provider, client: Client, line: Line, scopes: tuple[str, ...] = SCOPES
) -> tuple[dict[str, str], Pending]:
    url, kept = begin(provider, client, redirect_uri=REDIRECT, scopes=scopes, account=1, now=line.clock.now())
    known(url, kept.state, kept.verifier, kept.nonce)
    return dict(parse_qsl(urlsplit(url.reveal()).query)), kept


async def finished(line: Line, provider: Provider, client: Client, kept: Pending, **query: str) -> SignedIn:
    given = {"state": kept.state.reveal(), "code": canary("code"), **query}
    return await finish(line, provider, client, kept, callback(urlencode(given)))


async def test_the_address_of_the_provider(line: Line, provider: Provider, client: Client) -> None:
    query, kept = begun(replace(provider, authorize_extra={"access_type": "offline"}), client, line)
    assert kept.verifier is not None
    assert query == {
        "access_type": "offline",
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": REDIRECT,
        "state": kept.state.reveal(),
        "scope": "files.read files.write",
        "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(kept.verifier.reveal().encode()).digest()).decode()[
            :-1
        ],
    }
    assert len(base64.urlsafe_b64decode(kept.state.reveal() + "=")) == 32
    assert kept.expires == kept.expires.astimezone() and timedelta(
        minutes=9
    ) < kept.expires - line.clock.now() < timedelta(minutes=10)


async def test_nothing_is_used_twice(line: Line, provider: Provider, client: Client) -> None:
    made = [begun(provider, client, line, ("openid",))[1] for _ in range(50)]
    for name in ("state", "verifier", "nonce"):
        assert len({getattr(kept, name).reveal() for kept in made}) == 50


async def test_the_code_is_exchanged(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    _, kept = begun(provider, client, line)
    body = fine()
    server.says(body)
    code = canary("code")
    done = await finished(line, provider, client, kept, code=code)
    assert done.tokens.access.reveal() == body["access_token"] and done.missing == frozenset() and done.notes == ()
    assert client.secret is not None and kept.verifier is not None
    assert server.asked[0].form == {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": kept.verifier.reveal(),
        "client_id": client.id,
        "client_secret": client.secret.reveal(),
    }


async def test_a_provider_without_pkce(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    without = replace(provider, pkce=False)
    query, kept = begun(without, client, line)
    assert not [name for name in query if name.startswith("code_challenge")]
    await finished(line, without, client, kept)
    assert "code_verifier" not in server.asked[0].form


async def test_less_than_was_asked_for_is_told(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    _, kept = begun(provider, client, line, (*SCOPES, "offline_access"))
    server.says(fine(scope="files.read", refresh_token=None))
    done = await finished(line, provider, client, kept)
    assert done.missing == {"files.write"}
    assert "files.write" in done.notes[0] and "cannot be renewed" in done.notes[1]


STRAYED: list[dict[str, str]] = [
    {"state": "A" * 43},
    {"state": ""},
    {"state": "short"},
    {"state": "ä" * 43},
]


@pytest.mark.parametrize("change", STRAYED)
async def test_another_state_is_refused(
    change: dict[str, str], line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    _, kept = begun(provider, client, line)
    with refused(WrongState, "this sign-in is over"):
        await finished(line, provider, client, kept, **change)
    assert server.asked == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "state={state}",
        "state={state}&code=x&code=y",
        "state={state}&state={state}&code=x",
        "state={state}&code=x&error=access_denied",
        "state={state}&code=",
        "state={state}&code=%00",
        "state={state}&code=%0d%0aX",
        "state={state}&code=%ff",
        "state={state}&code=x&" + "&".join(f"a{n}=1" for n in range(40)),
        "state={state}&code=" + "x" * 20_000,
    ],
)
async def test_a_callback_that_is_none_is_refused(query: str, line: Line, provider: Provider, client: Client) -> None:
    _, kept = begun(provider, client, line)
    with refused(WrongState):
        callback(query.format(state=kept.state.reveal()))


async def test_too_late_is_refused(line: Line, provider: Provider, client: Client, server: TokenServer) -> None:
    _, kept = begun(provider, client, line)
    with refused(WrongState):
        await finished(line, provider, client, replace(kept, expires=line.clock.now() - timedelta(seconds=1)))
    assert server.asked == []


async def test_another_providers_callback_is_refused(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    _, kept = begun(provider, client, line)
    with refused(WrongState):
        await finished(line, replace(provider, key="other"), client, kept)
    assert server.asked == []


MIXED: list[tuple[bool, dict[str, str]]] = [
    (True, {}),
    (True, {"iss": "https://attacker.example"}),
    (True, {"iss": "{issuer}/"}),
    (True, {"iss": ""}),
    (False, {"iss": "https://attacker.example"}),
    (True, {"iss": "https://attacker.example", "error": "access_denied"}),
]


@pytest.mark.parametrize(("announced", "query"), MIXED)
async def test_a_mixed_up_issuer_gets_no_code(
    *, announced: bool, query: dict[str, str], line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    """RFC 9207: the user was sent to one provider, and another one answers."""
    mixed = replace(provider, announces_issuer=announced)
    _, kept = begun(mixed, client, line)
    given = {name: value.format(issuer=provider.issuer) for name, value in query.items()}
    code = {} if "error" in given else {"code": canary("code")}
    text = urlencode({"state": kept.state.reveal(), **code, **given})
    with refused(Untrusted, "not from Generic"):
        await finish(line, mixed, client, kept, callback(text))
    assert server.asked == []


async def test_the_right_issuer_is_let_in(line: Line, provider: Provider, client: Client) -> None:
    _, kept = begun(replace(provider, announces_issuer=True), client, line)
    assert (await finished(line, provider, client, kept, iss=provider.issuer or "")).missing == frozenset()


DENIED: list[tuple[str, type[MoverError]]] = [
    ("access_denied", BadCredentials),
    ("login_required", BadCredentials),
    ("invalid_scope", BadOption),
    ("unauthorized_client", BadOption),
    ("server_error", Unreachable),
    ("temporarily_unavailable", Unreachable),
    ("<script>", BadOption),
    ("x" * 5000, BadOption),
]


@pytest.mark.parametrize(("error", "kind"), DENIED)
async def test_a_refusal_in_the_browser(
    error: str, kind: type[MoverError], line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    _, kept = begun(provider, client, line)
    query = urlencode({"state": kept.state.reveal(), "error": error, "error_description": "<b>phish</b>"})
    with refused(kind) as found:
        await finish(line, provider, client, kept, callback(query))
    assert "<" not in found.value.detail + found.value.advice
    assert server.asked == []


async def test_a_code_that_counts_no_longer(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    _, kept = begun(provider, client, line)
    server.says({"error": "invalid_grant"}, 400)
    with refused(SignInEnded) as found:
        await finished(line, provider, client, kept)
    assert "anew" in found.value.advice


@pytest.mark.parametrize(
    ("redirect", "kind"),
    [
        ("http://mover.example/callback", NotEncrypted),
        ("http://127.0.0.1.attacker.example/callback", NotEncrypted),
        ("https://mover.example/callback#fragment", BadOption),
        ("https://user@mover.example/callback", BadOption),
        ("javascript:alert(1)", BadOption),
        ("/callback", BadOption),
        ("https://mover.example/a b", BadOption),
        ("https://mover.example:99999/", BadOption),
    ],
)
async def test_where_no_code_may_go(
    redirect: str, kind: type[MoverError], line: Line, provider: Provider, client: Client
) -> None:
    with refused(kind):
        begin(provider, client, redirect_uri=redirect, scopes=SCOPES, account=1, now=line.clock.now())


async def test_a_code_may_go_to_this_machine(line: Line, provider: Provider, client: Client) -> None:
    begin(provider, client, redirect_uri="http://127.0.0.1:8400/callback", scopes=(), account=1, now=line.clock.now())


async def test_scopes_are_not_smuggled(line: Line, provider: Provider, client: Client) -> None:
    with refused(BadOption):
        begun(provider, client, line, ("files.read admin",))


async def test_the_secret_goes_as_the_client_proves_itself(
    line: Line, provider: Provider, client: Client, server: TokenServer
) -> None:
    """RFC 6749 §2.3.1: id and secret are form-encoded before they are joined."""
    basic = replace(client, id="a client:1", proof=Proof.SECRET_BASIC)
    assert basic.secret is not None
    _, kept = begun(provider, basic, line)
    await finished(line, provider, basic, kept)
    scheme, _, sent = server.asked[0].headers["authorization"].partition(" ")
    name, _, secret = base64.b64decode(sent).decode().partition(":")
    assert (scheme, parse_qs(f"v={name}")["v"], secret) == ("Basic", ["a client:1"], basic.secret.reveal())
    assert "client_secret" not in server.asked[0].form and "client_id" not in server.asked[0].form


async def test_an_open_client_sends_no_secret(line: Line, provider: Provider, server: TokenServer) -> None:
    public = Client("public")
    _, kept = begun(provider, public, line)
    await finished(line, provider, public, kept)
    assert server.asked[0].form["client_id"] == "public" and "client_secret" not in server.asked[0].form
    assert "authorization" not in server.asked[0].headers
