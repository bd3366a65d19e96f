"""The single requests by which tokens are got: each sends one form and reads one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mover.core.errors import BadOption
from mover.core.secret import Secret
from mover.crypto.assertions import AssertionKey
from mover.oauth.answers import tokens_of
from mover.oauth.client import Client, claims
from mover.oauth.endpoint import Line, asked
from mover.oauth.failures import AGAIN, Asked, SignInEnded
from mover.oauth.provider import Provider
from mover.oauth.tokens import TokenSet


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Access of an application in its own name (RFC 6749 §4.4); `more` are fields of the provider's own."""

    scopes: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Access by an assertion that a service account signs (RFC 7523 §2.1), in its own name or for a user.

    `issuer` is the account, `subject` the user or the account again. `scopes` stand in the form, or in the claim `scope`
    with `scopes_in_claim`; `claims` are claims of the provider's own. `proves_client`: the client proves itself in the form as well.
    """

    key: AssertionKey
    issuer: str
    subject: str
    scopes: tuple[str, ...] = ()
    scopes_in_claim: bool = False
    claims: Mapping[str, str] = field(default_factory=dict[str, str])
    proves_client: bool = False


Grant = ClientCredentials | ServiceAccount


async def refreshed(line: Line, provider: Provider, client: Client, tokens: TokenSet) -> TokenSet:
    """New tokens for old ones (RFC 6749 §6). They must be saved before they are used.

    A refresh token that comes without another keeps counting. With one, the one before is kept as `previous` until this one has
    proved itself: if the provider refuses a token that never served, the one before is tried, once.

    Raises:
        SignInEnded: neither counts any more, or there is none.
        BadCredentials, BadOption, Throttled, Unreachable, Untrusted: see `endpoint.asked`.
    """
    if tokens.refresh is None:
        raise SignInEnded(f"{provider.title} gave a sign-in that cannot be renewed, and it has expired", advice=AGAIN)
    refused: SignInEnded
    try:
        return await _refreshed(line, provider, client, tokens, tokens.refresh)
    except SignInEnded as problem:
        refused = problem
    if tokens.previous is None:
        raise refused
    return await _refreshed(line, provider, client, tokens, tokens.previous)


async def granted(line: Line, provider: Provider, client: Client, grant: Grant) -> TokenSet:
    """Tokens in the name of an application or a service account.

    Raises:
        SignInEnded, BadCredentials: the provider does not accept the key, the secret or the user.
        BadOption, Throttled, Unreachable, Untrusted: see `endpoint.asked`.
    """
    sent = line.clock.now()
    if isinstance(grant, ServiceAccount):
        found = await asked(line, provider, _assertion(line, provider, grant), _asker(client, grant), Asked.SERVICE)
    else:
        fields = {**grant.more, "grant_type": "client_credentials", **_scope(provider, grant.scopes)}
        found = await asked(line, provider, fields, client, Asked.SERVICE)
    return tokens_of(found, provider, grant.scopes, sent)


async def _refreshed(line: Line, provider: Provider, client: Client, old: TokenSet, token: Secret) -> TokenSet:
    sent = line.clock.now()
    fields = {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    found = await asked(line, provider, fields, client, Asked.REFRESH)
    new = tokens_of(found, provider, tuple(old.scopes), sent)
    if new.refresh is None or new.refresh.matches(token):
        return replace(new, refresh=token)
    return replace(new, previous=token)


def _assertion(line: Line, provider: Provider, grant: ServiceAccount) -> dict[str, str]:
    said = {**claims(provider, grant.issuer, grant.subject, line.clock.now()), **grant.claims}
    scope = _scope(provider, grant.scopes)
    if grant.scopes_in_claim:
        said, scope = {**said, **scope}, {}
    return {"grant_type": _BEARER, "assertion": grant.key.sign(said).reveal(), **scope}


def _asker(client: Client, grant: ServiceAccount) -> Client | None:
    return client if grant.proves_client else None


def _scope(provider: Provider, scopes: tuple[str, ...]) -> dict[str, str]:
    if any(provider.scope_separator in scope for scope in scopes):
        raise BadOption("a right's name cannot be read", item="scopes", advice="Give each one by itself.")
    return {"scope": provider.scope_separator.join(scopes)} if scopes else {}


_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
