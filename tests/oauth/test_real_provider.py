"""Everything that is spoken with a provider, against the certified `oidc-provider`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.oauth.canaries import canary, known, refused
from tests.oauth.keeping import TestKeeper, a_connection
from tests.oauth.oidc_server import REDIRECT, Oidc, oidc_provider, signed_in
from tests.oauth.signing import KEYS
from tests.running import MUST_RUN
from tests.sites.base import Certificates, Missing

from mover.core.errors import BadCredentials, BadOption, MoverError, Untrusted
from mover.core.secret import Secret
from mover.crypto.assertions import AssertionKey
from mover.net.http import HttpSettings, http
from mover.oauth.begin import begin
from mover.oauth.callback import callback
from mover.oauth.client import Client, Proof, proved
from mover.oauth.discovery import discovered
from mover.oauth.endpoint import Line, asked, json_object, post
from mover.oauth.failures import Asked, SignInEnded
from mover.oauth.finish import SignedIn, finish
from mover.oauth.grants import ClientCredentials, ServiceAccount, granted, refreshed
from mover.oauth.provider import Provider, Revocation, Rotation
from mover.oauth.refreshing import Refresher
from mover.oauth.revoke import revoke
from mover.store.database import Database

pytestmark = pytest.mark.anyio
SCOPES = ("openid", "offline_access", "files.read")


@pytest.fixture(scope="module")
def oidc(made: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Generator[Oidc]:
    clients = {name: KEYS[name].public() for name in ("rs", "ps", "es")}
    try:
        with oidc_provider(tmp_path_factory.mktemp("oidc"), made, clients, KEYS["service"].public()) as running:
            yield running
    except Missing as missing:
        if MUST_RUN & {"oidc_provider", "all"}:
            raise AssertionError(f"oidc_provider must run here: {missing}") from missing
        pytest.skip(f"oidc_provider: {missing}")


@pytest.fixture
async def real(oidc: Oidc, line: Line) -> Provider:
    """All that has to be known of it is its issuer."""
    unknown = f"{oidc.issuer}/to-be-discovered"
    bare = Provider(
        "oidc",
        "OIDC",
        unknown,
        unknown,
        issuer=oidc.issuer,
        rotation=Rotation.SINGLE_USE,
        authorize_extra={"prompt": "consent"},
    )
    return await discovered(line, bare)


def client_of(oidc: Oidc, name: str) -> Client:
    if name == "public":
        return Client(name)
    if name in KEYS:
        key = KEYS[name]
        signing = AssertionKey(key.pem, algorithm=key.algorithm, certificate=key.certificate)
        return Client(name, Proof.PRIVATE_KEY_JWT, key=signing)
    proof = {"post": Proof.SECRET_POST, "basic": Proof.SECRET_BASIC}[name]
    return Client(name, proof, secret=Secret(oidc.secret))


async def sign_in(line: Line, real: Provider, client: Client, oidc: Oidc) -> SignedIn:
    url, kept = begin(real, client, redirect_uri=REDIRECT, scopes=SCOPES, account=1, now=line.clock.now())
    known(kept.state, kept.verifier, kept.nonce)
    came = callback(await asyncio.to_thread(signed_in, oidc, url.reveal()))
    known(came.code)
    done = await finish(line, real, client, kept, came)
    known(done.tokens)
    return done


async def is_active(line: Line, oidc: Oidc, real: Provider, token: Secret) -> bool:
    """What the provider itself says of a token (RFC 7662)."""
    url = f"{oidc.issuer}/token/introspection"
    answer = await post(line, real, url, {"token": token.reveal()}, client_of(oidc, "post"))
    return bool((json_object(answer) or {})["active"])


async def test_discovery(real: Provider, oidc: Oidc) -> None:
    assert real.token_url == f"{oidc.issuer}/token" and real.revoke_url == f"{oidc.issuer}/token/revocation"
    assert real.announces_issuer and real.revocation is Revocation.STANDARD


@pytest.mark.parametrize("issuer", ["/", "/other"])
async def test_discovery_of_another_issuer(issuer: str, real: Provider, oidc: Oidc, line: Line) -> None:
    with refused(MoverError):
        await discovered(line, replace(real, issuer=f"{oidc.issuer}{issuer}"))


@pytest.mark.parametrize("name", ["public", "post", "basic", "rs", "ps", "es"])
async def test_code_with_pkce(name: str, line: Line, real: Provider, oidc: Oidc) -> None:
    done = await sign_in(line, real, client_of(oidc, name), oidc)
    assert done.subject == "alice" and done.missing == frozenset() and done.notes == ()
    assert done.tokens.refresh is not None and done.tokens.expires is not None
    assert await is_active(line, oidc, real, done.tokens.access)


async def test_a_user_who_does_not_agree(line: Line, real: Provider, oidc: Oidc) -> None:
    client = client_of(oidc, "post")
    url, kept = begin(real, client, redirect_uri=REDIRECT, scopes=SCOPES, account=1, now=line.clock.now())
    came = callback(await asyncio.to_thread(signed_in, oidc, url.reveal(), agrees=False))
    assert came.issuer == oidc.issuer
    with refused(BadCredentials, "not granted"):
        await finish(line, real, client, kept, came)


async def test_a_code_is_good_for_once_and_takes_all_with_it(line: Line, real: Provider, oidc: Oidc) -> None:
    client = client_of(oidc, "post")
    url, kept = begin(real, client, redirect_uri=REDIRECT, scopes=SCOPES, account=1, now=line.clock.now())
    came = callback(await asyncio.to_thread(signed_in, oidc, url.reveal()))
    known(came.code)
    first = await finish(line, real, client, kept, came)
    known(first.tokens)
    with refused(SignInEnded, "used before"):
        await finish(line, real, client, kept, came)
    assert not await is_active(line, oidc, real, first.tokens.access)


@pytest.mark.parametrize("spoil", ["verifier", "redirect_uri", "nonce", "client"])
async def test_a_code_that_was_stolen_is_worth_nothing(spoil: str, line: Line, real: Provider, oidc: Oidc) -> None:
    client = client_of(oidc, "post")
    url, kept = begin(real, client, redirect_uri=REDIRECT, scopes=SCOPES, account=1, now=line.clock.now())
    came = callback(await asyncio.to_thread(signed_in, oidc, url.reveal()))
    known(came.code)
    other = {"redirect_uri": f"{REDIRECT}/other"} if spoil == "redirect_uri" else {spoil: Secret("x" * 43)}
    changed = kept if spoil == "client" else replace(kept, **other)  # pyright: ignore[reportArgumentType]  # by name
    with refused(Untrusted if spoil == "nonce" else SignInEnded):
        await finish(line, real, client_of(oidc, "public") if spoil == "client" else client, changed, came)


async def test_rotation_and_what_reuse_costs(line: Line, real: Provider, oidc: Oidc) -> None:
    client = client_of(oidc, "post")
    first = (await sign_in(line, real, client, oidc)).tokens
    second = await refreshed(line, real, client, first)
    known(second)
    assert first.refresh is not None and second.refresh is not None and not second.refresh.matches(first.refresh)
    with refused(SignInEnded):
        await refreshed(line, real, client, first)
    with refused(SignInEnded):  # the whole family
        await refreshed(line, real, client, second)


async def test_twenty_at_once_cost_no_sign_in(line: Line, real: Provider, oidc: Oidc, fresh_database: Database) -> None:
    client = client_of(oidc, "rs")
    connection = await a_connection(fresh_database)
    keeper = TestKeeper(fresh_database, real, client)
    async with Refresher(fresh_database, line.http, keeper, line.clock) as refresher:
        now = (await sign_in(line, real, client, oidc)).tokens
        await refresher.signed_in(connection, now)
        for _ in range(3):
            old = now
            got = await asyncio.gather(*(refresher.tokens(connection, rejected=old.access) for _ in range(20)))
            now = got[0]
            known(now)
            assert {one.access.reveal() for one in got} == {now.access.reveal()}
        assert await is_active(line, oidc, real, now.access)


@pytest.mark.parametrize("name", ["public", "post", "basic", "ps"])
async def test_access_is_given_back(name: str, line: Line, real: Provider, oidc: Oidc) -> None:
    client = client_of(oidc, name)
    tokens = (await sign_in(line, real, client, oidc)).tokens
    done = await revoke(line, real, client, tokens)
    assert done.done and "taken back" in done.told
    assert not await is_active(line, oidc, real, tokens.access)
    with refused(SignInEnded, "withdrawn"):
        await refreshed(line, real, client, tokens)
    assert (await revoke(line, real, client, tokens)).done  # again: it does no harm


@pytest.mark.parametrize("name", ["post", "basic", "rs", "ps", "es"])
async def test_client_credentials(name: str, line: Line, real: Provider, oidc: Oidc) -> None:
    tokens = await granted(line, real, client_of(oidc, name), ClientCredentials(("files.read",)))
    known(tokens)
    assert tokens.refresh is None and tokens.scopes == {"files.read"}
    assert await is_active(line, oidc, real, tokens.access)


@pytest.mark.parametrize("name", ["post", "rs"])
async def test_a_registration_that_is_not_ours(name: str, line: Line, real: Provider, oidc: Oidc) -> None:
    key = KEYS["service"]
    wrong = {
        "post": lambda: Client("post", Proof.SECRET_POST, secret=Secret(canary("secret"))),
        "rs": lambda: Client("rs", Proof.PRIVATE_KEY_JWT, key=AssertionKey(key.pem, algorithm="RS256")),
    }[name]()
    with refused(BadCredentials, "registration"):
        await granted(line, real, wrong, ClientCredentials())


async def test_a_right_that_it_does_not_know(line: Line, real: Provider, oidc: Oidc) -> None:
    with refused(BadOption, "rights"):
        await granted(line, real, client_of(oidc, "post"), ClientCredentials(("files.write",)))


@pytest.mark.parametrize("in_claim", [True, False])
async def test_a_service_account(*, in_claim: bool, line: Line, real: Provider, oidc: Oidc) -> None:
    account = ServiceAccount(
        AssertionKey(KEYS["service"].pem, key_id="one"),
        "robot@example.org",
        "user@example.org",
        ("files.read",),
        scopes_in_claim=in_claim,
        proves_client=True,
    )
    tokens = await granted(line, real, client_of(oidc, "post"), account)
    known(tokens)
    assert tokens.scopes == {"files.read"} and await is_active(line, oidc, real, tokens.access)


@pytest.mark.parametrize(
    "change", [{"issuer": "other"}, {"subject": "boss@example.org"}, {"claims": {"aud": "https://else.example"}}]
)
async def test_a_service_account_that_may_not(change: dict[str, Any], line: Line, real: Provider, oidc: Oidc) -> None:
    good = ServiceAccount(
        AssertionKey(KEYS["service"].pem), "robot@example.org", "user@example.org", ("files.read",), proves_client=True
    )
    with refused(SignInEnded, "service account"):
        await granted(line, real, client_of(oidc, "post"), replace(good, **change))


async def test_an_assertion_is_good_for_once(line: Line, real: Provider, oidc: Oidc) -> None:
    fields, _ = proved(client_of(oidc, "rs"), real, line.clock.now())
    known(fields["client_assertion"])
    given = {**fields, "grant_type": "client_credentials"}
    assert "access_token" in await asked(line, real, given, None, Asked.SERVICE)
    with refused(BadCredentials, "registration"):
        await asked(line, real, given, None, Asked.SERVICE)


@pytest.mark.parametrize("minutes", [-20, 20])
async def test_a_clock_that_is_wrong(minutes: int, oidc: Oidc, real: Provider, made: Certificates) -> None:
    class Wrong:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=minutes)

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            return

    async with http(HttpSettings(ca_file=made.ca)) as opened:
        with refused(BadCredentials) as found:
            await granted(Line(opened, Wrong()), real, client_of(oidc, "rs"), ClientCredentials())
    told = re.search(r"clock is (\d+) s (behind|ahead of)", found.value.advice)
    assert told is not None and abs(int(told[1]) - 1200) < 30 and (told[2] == "behind") == (minutes < 0)
