"""Providers as data, what cannot be set, giving access back, and discovery of servers that lie."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.oauth.canaries import canary, refused
from tests.oauth.conftest import generic

from mover.connectors.registry import spec
from mover.core.errors import BadOption, MoverError, NotEncrypted, RecordDamaged
from mover.core.secret import Secret
from mover.core.spec import OAuth
from mover.net.http import HttpSettings, http
from mover.oauth.client import Client, Proof
from mover.oauth.endpoint import Line
from mover.oauth.grants import ClientCredentials, granted
from mover.oauth.pending import pending
from mover.oauth.provider import Provider, Revocation
from mover.oauth.providers import Providers, provider_of
from mover.oauth.tokens import token_set

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"token_url": "http://provider.example/token"}, NotEncrypted),
        ({"authorize_url": "http://127.0.0.1/authorize"}, NotEncrypted),
        ({"revoke_url": "ftp://provider.example"}, NotEncrypted),
        ({"issuer": "http://provider.example"}, NotEncrypted),
        ({"token_url": "https://user:password@provider.example/"}, BadOption),
        ({"token_url": "https:///token"}, BadOption),
        ({"token_url": "https://provider.example/#x"}, BadOption),
        ({"token_url": "https://provider.example/\n"}, BadOption),
        ({"token_url": "https://[bad/"}, BadOption),
        ({"token_url": "https://provider.example/" + "x" * 3000}, BadOption),
        ({"authorize_extra": {"redirect_uri": "https://attacker.example"}}, BadOption),
        ({"token_extra": {"client_secret": "x"}}, BadOption),
        ({"assertion_life": 0}, BadOption),
        ({"assertion_life": 86400}, BadOption),
    ],
)
def test_what_no_provider_is(change: dict[str, Any], kind: type[MoverError]) -> None:
    with refused(kind):
        replace(generic("https://provider.example"), **change)


async def test_plain_http_passes_for_tests_alone() -> None:
    plain = Provider("t", "T", "http://127.0.0.1:1/a", "http://127.0.0.1:1/t", loopback_http=True)
    with refused(NotEncrypted):
        replace(plain, token_url="http://provider.example/t")
    async with http(HttpSettings()) as opened:  # and then the pool says no once more
        with refused(NotEncrypted):
            await granted(Line(opened, _Now()), plain, Client("c"), ClientCredentials())


def test_addresses_are_filled() -> None:
    egnyte = Provider("e", "E", "https://{domain}.egnyte.example/a", "https://{domain}.egnyte.example/t")
    assert not egnyte.is_filled
    filled = egnyte.at(domain="acme-1")
    assert filled.is_filled and filled.token_url == "https://acme-1.egnyte.example/t"
    for bad in ("", "attacker.example/", "a@b", "a#", "a?", "a b", "-a", "a..b", "ä", "a" * 100, "a:1", "%2e"):
        with refused(BadOption):
            egnyte.at(domain=bad)
    with refused(BadOption, "domain is needed"):
        egnyte.at()


def test_the_registry() -> None:
    one = generic("https://provider.example")
    known_ones = Providers([one, replace(one, key="other")])
    assert known_ones["generic"] is one and known_ones.keys() == ("generic", "other")
    with refused(BadOption) as found:
        known_ones["box"]
    assert "generic, other" in found.value.advice
    with pytest.raises(ValueError, match="two providers"):
        Providers([one, replace(one)])
    assert one.scopes_for("destination") == ("files.read", "files.write")


def test_it_is_filled_from_specs() -> None:
    plain = spec("memory")
    assert provider_of(replace(plain, oauth=None)) is None
    made = provider_of(
        replace(plain, oauth=OAuth("https://p.example/a", "https://p.example/t", None, ("x",), pkce=False))
    )
    assert (
        made is not None
        and made.revocation is Revocation.NONE
        and not made.pkce
        and made.scopes_for("source") == ("x",)
    )


@pytest.mark.parametrize("proof", [Proof.SECRET_POST, Proof.SECRET_BASIC, Proof.PRIVATE_KEY_JWT])
def test_a_client_without_what_proves_it(proof: Proof) -> None:
    with refused(BadOption):
        Client("c", proof)
    with refused(BadOption):
        Client("", proof, secret=Secret(canary()))


def test_saved_tokens_that_are_damaged() -> None:
    for text in ("", "[]", "{}", '{"version": 2}', '{"version": 1, "access": 1}', canary()):
        with refused(RecordDamaged):
            token_set(Secret(text))
        with refused(RecordDamaged):
            pending(Secret("A" * 43), text.encode())


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return
