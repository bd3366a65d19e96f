"""Giving access back at the provider (RFC 7009)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mover.core.secret import Secret
from mover.oauth.client import Client
from mover.oauth.endpoint import Line, json_object, post, sent
from mover.oauth.failures import Asked, SignInEnded, refusal
from mover.oauth.provider import Provider, Revocation
from mover.oauth.tokens import TokenSet


@dataclass(frozen=True, slots=True)
class Revoked:
    """Whether the provider took the tokens back, and what to tell the user."""

    done: bool
    told: str


async def revoke(line: Line, provider: Provider, client: Client, tokens: TokenSet) -> Revoked:
    """Have the provider forget these tokens. The caller forgets its own copies whatever comes of it.

    A token that the provider does not know (any more) counts as taken back (RFC 7009 §2.2).

    Raises:
        BadCredentials, BadOption, Throttled, Unreachable, Untrusted: the provider did not do it; trying again may help.
    """
    if provider.revocation is Revocation.NONE or provider.revoke_url is None:
        return Revoked(done=False, told=_by_hand(provider))
    if provider.revocation is Revocation.BEARER:
        await _by_bearer(line, provider, provider.revoke_url, tokens.access)
    else:
        # the refresh token first: without it nothing can be renewed, and most providers drop the access tokens with it (§2.1)
        if tokens.refresh is not None:
            await _one(line, provider, provider.revoke_url, client, tokens.refresh, "refresh_token")
        await _one(line, provider, provider.revoke_url, client, tokens.access, "access_token")
    return Revoked(done=True, told=f"{provider.title} has taken back the access that it gave to this connection.")


async def _one(line: Line, provider: Provider, url: str, client: Client, token: Secret, kind: str) -> None:
    answer = await post(line, provider, url, {"token": token.reveal(), "token_type_hint": kind}, client)
    if answer.status in _FINE:
        return
    found = json_object(answer)
    problem = refusal(answer, found, provider, Asked.REVOCATION, now=line.clock.now().timestamp())
    if not isinstance(problem, SignInEnded) and (found or {}).get("error") != "invalid_token":
        raise problem


async def _by_bearer(line: Line, provider: Provider, url: str, token: Secret) -> None:
    headers = {"authorization": f"Bearer {token.reveal()}", "content-type": "application/json"}
    answer = await sent(line, provider, url, b"null", headers)
    if answer.status in _FINE or answer.status == _UNKNOWN:
        return
    raise refusal(answer, json_object(answer), provider, Asked.REVOCATION, now=line.clock.now().timestamp())


def _by_hand(provider: Provider) -> str:
    where = f" at {provider.manage_url}" if provider.manage_url else " in the settings of your account there"
    return (
        f"{provider.title} has no way by which a program gives access back. Mover has forgotten its tokens; "
        f"to end the access at {provider.title} too, remove Mover from the apps that you allowed{where}."
    )


_FINE: Final = {200, 204}
_UNKNOWN: Final = 401
