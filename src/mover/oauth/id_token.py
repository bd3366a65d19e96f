"""An ID token that came straight from the token endpoint (OpenID Connect Core §3.1.3.7).

Its signature is not looked at, as §3.1.3.7 (6) allows: it came over TLS from a server that proved itself. So this says
nothing of an ID token that came any other way.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from mover.core.errors import Untrusted
from mover.core.secret import Secret
from mover.oauth.client import Client
from mover.oauth.provider import Provider
from mover.oauth.strict_json import object_in

LEEWAY: Final = 300
"""Seconds by which clocks may differ."""


def subject_of(token: Secret | None, provider: Provider, client: Client, nonce: Secret, now: datetime) -> str:
    """Who signed in, in the provider's own way of naming them.

    Raises:
        Untrusted: there is no ID token, or it is not this sign-in's: another issuer, client, nonce or time.
    """
    said = _claims(token)
    audience = said.get("aud")
    audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    given, subject = said.get("nonce"), said.get("sub")
    moment = now.timestamp()
    holds = (
        said.get("iss") == provider.issuer
        and client.id in audiences
        and (len(audiences) == 1 or said.get("azp") == client.id)
        and said.get("azp", client.id) == client.id
        and _number(said.get("exp")) > moment - LEEWAY
        and _number(said.get("iat")) < moment + LEEWAY
        and isinstance(given, str)
        and hmac.compare_digest(given.encode(), nonce.reveal().encode())
    )
    if not holds or not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise Untrusted(f"{provider.title} does not prove that this sign-in is the one that was begun", advice=_ANEW)
    return subject


def _claims(token: Secret | None) -> Mapping[str, Any]:
    parts = [] if token is None else token.reveal().split(".")
    if len(parts) != _PARTS:
        return {}
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except ValueError:
        return {}
    return object_in(text) or {}


def _number(value: object) -> float:
    """Of a time that is none, nothing holds."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


_PARTS: Final = 3
_LONGEST_SUBJECT: Final = 255
_ANEW: Final = (
    "Begin the sign-in anew. If it stays so, compare the provider's issuer and the client's id in the settings."
)
