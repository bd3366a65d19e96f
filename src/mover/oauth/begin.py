"""The beginning of a sign-in: where the user's browser goes (RFC 6749 §4.1.1, RFC 7636 §4.3)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

from mover.core.errors import BadOption
from mover.core.secret import Secret
from mover.oauth.client import Client
from mover.oauth.pending import LIFE, Pending
from mover.oauth.provider import Provider, must_be_redirect

OPENID: Final = "openid"
"""The scope that asks for an ID token."""


def begin(
    provider: Provider,
    client: Client,
    *,
    redirect_uri: str,
    scopes: tuple[str, ...],
    account: int,
    now: datetime,
    connection: int | None = None,
    details: Mapping[str, str] | None = None,
) -> tuple[Secret, Pending]:
    """The address to send the browser to (it holds the state, so it is not for logs), and what must be kept until it comes back.

    Use a `redirect_uri` of its own for each provider (RFC 9700 §4.4.2.2): then no other one's answer can be taken for this one's.

    Raises:
        BadOption: the redirect, a scope or the provider's settings cannot be.
        NotEncrypted: the redirect would carry the code in the open.
    """
    must_be_redirect(redirect_uri)
    if not provider.is_filled:
        raise BadOption(f"the address of {provider.title} is not complete", item="provider", advice=_FILL)
    if OPENID in scopes and provider.issuer is None:
        raise BadOption(f"{provider.title} names no issuer, so its ID token could not be checked", item="scopes")
    if any(provider.scope_separator in scope or not scope for scope in scopes):
        raise BadOption("a right's name cannot be read", item="scopes", advice="Give each one by itself.")
    kept = Pending(
        state=_random(),
        verifier=_random() if provider.pkce else None,
        nonce=_random() if OPENID in scopes else None,
        redirect_uri=redirect_uri,
        provider=provider.key,
        account=account,
        scopes=scopes,
        expires=now + LIFE,
        connection=connection,
        details=details or {},
    )
    return Secret(_address(provider, client, kept)), kept


def challenge(verifier: Secret) -> str:
    """PKCE's S256 (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _address(provider: Provider, client: Client, kept: Pending) -> str:
    query = {
        **provider.authorize_extra,
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": kept.redirect_uri,
        "state": kept.state.reveal(),
    }
    if kept.scopes:
        query["scope"] = provider.scope_separator.join(kept.scopes)
    if kept.verifier is not None:
        query |= {"code_challenge": challenge(kept.verifier), "code_challenge_method": "S256"}
    if kept.nonce is not None:
        query["nonce"] = kept.nonce.reveal()
    joint = "&" if urlsplit(provider.authorize_url).query else "?"
    return f"{provider.authorize_url}{joint}{urlencode(query)}"


def _random() -> Secret:
    """256 bits, in 43 letters, digits, - and _."""
    return Secret(secrets.token_urlsafe(32))


_FILL: Final = "Give what the connection's form asks for, such as the domain."
