"""What an authorization server publishes of itself (RFC 8414, OpenID Connect Discovery 1.0 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

from mover.core.errors import BadOption, Unreachable, Untrusted
from mover.net.http import Answer
from mover.oauth.endpoint import Line, fetched, json_object
from mover.oauth.provider import Provider, Revocation

_OAUTH: Final = "oauth-authorization-server"
_OPENID: Final = "openid-configuration"


async def discovered(line: Line, provider: Provider) -> Provider:
    """The provider with the addresses that its issuer publishes; everything else stays as it was set.

    Raises:
        BadOption: it has no issuer, or its server cannot do what Mover demands (the code flow, PKCE with S256).
        Untrusted: the document is another issuer's.
        NotEncrypted: an address in it is plain.
        Unreachable: there is no such document, or it cannot be read.
    """
    if provider.issuer is None or "{" in provider.issuer:
        raise BadOption(f"{provider.title} has no issuer to ask", item="issuer")
    found = await _document(line, provider, provider.issuer)
    if found.get("issuer") != provider.issuer:
        raise Untrusted(f"the settings found at the issuer of {provider.title} are another issuer's", advice=_OTHER)
    _must_fit(found, provider)
    revoke_url = _text(found, "revocation_endpoint", provider) or provider.revoke_url
    return replace(
        provider,
        authorize_url=_text(found, "authorization_endpoint", provider) or provider.authorize_url,
        token_url=_text(found, "token_endpoint", provider) or provider.token_url,
        revoke_url=revoke_url,
        revocation=Revocation.NONE if revoke_url is None else provider.revocation,
        announces_issuer=found.get("authorization_response_iss_parameter_supported") is True
        or provider.announces_issuer,
    )


async def _document(line: Line, provider: Provider, issuer: str) -> Mapping[str, Any]:
    for url in (_inserted(issuer, _OAUTH), f"{issuer.rstrip('/')}/.well-known/{_OPENID}"):
        answer = await fetched(line, url, provider.title)
        if answer.status != _NOT_FOUND:
            return _read(answer, provider)
    raise Unreachable(f"the issuer of {provider.title} publishes no settings", advice=_OTHER)


def _read(answer: Answer, provider: Provider) -> Mapping[str, Any]:
    found = json_object(answer) if answer.status == _FINE else None
    if found is None:
        raise Unreachable(
            f"the issuer of {provider.title} answers HTTP {answer.status} with what are no settings", advice=_OTHER
        )
    return found


def _inserted(issuer: str, name: str) -> str:
    """RFC 8414 §3.1: between host and path."""
    parts = urlsplit(issuer)
    return urlunsplit((parts.scheme, parts.netloc, f"/.well-known/{name}{parts.path.rstrip('/')}", "", ""))


def _must_fit(found: Mapping[str, Any], provider: Provider) -> None:
    methods = found.get("code_challenge_methods_supported")
    if provider.pkce and isinstance(methods, list) and "S256" not in methods:
        raise BadOption(f"{provider.title} does not know PKCE with S256", item="pkce", advice=_ASK)
    kinds = found.get("response_types_supported")
    if isinstance(kinds, list) and "code" not in cast("list[object]", kinds):
        raise BadOption(f"{provider.title} does not know the authorization code flow", item="provider", advice=_ASK)


def _text(found: Mapping[str, Any], name: str, provider: Provider) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise Unreachable(f"the issuer of {provider.title} publishes {name} in a form that cannot be read")
    return value


_FINE: Final = 200
_NOT_FOUND: Final = 404
_OTHER: Final = "Give the issuer exactly as the provider writes it, with or without a slash at its end."
_ASK: Final = "Ask whoever runs the server to allow it."
