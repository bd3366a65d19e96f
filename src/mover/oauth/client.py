"""Who Mover is at a provider, and how it proves that (RFC 6749 §2.3, RFC 7523 §2.2)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from urllib.parse import quote_plus

from mover.core.errors import BadOption
from mover.core.secret import Secret
from mover.crypto.assertions import AssertionKey
from mover.oauth.provider import Provider


class Proof(Enum):
    """How a client proves itself; values are the names of the IANA registry."""

    NONE = "none"
    SECRET_POST = "client_secret_post"  # noqa: S105  # a method's name
    SECRET_BASIC = "client_secret_basic"  # noqa: S105  # a method's name
    PRIVATE_KEY_JWT = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class Client:
    """Mover as it was registered at a provider: `id`, and `secret` or `key` as `proof` demands.

    Raises:
        BadOption: what the proof needs is missing.
    """

    id: str
    proof: Proof = Proof.NONE
    secret: Secret | None = None
    key: AssertionKey | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.id.isascii() or not self.id.isprintable():
            raise BadOption("a client id is printable text", item="client_id", advice=_REGISTER)
        if self.proof in {Proof.SECRET_POST, Proof.SECRET_BASIC} and not self.secret:
            raise BadOption("the client's secret is missing", item="client_secret", advice=_REGISTER)
        if self.proof is Proof.PRIVATE_KEY_JWT and self.key is None:
            raise BadOption("the client's private key is missing", item="private_key", advice=_REGISTER)


def proved(client: Client, provider: Provider, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """The fields and the headers by which the client proves itself in one request, sent at `now`."""
    secret = "" if client.secret is None else client.secret.reveal()
    if client.proof is Proof.SECRET_BASIC:
        pair = f"{quote_plus(client.id)}:{quote_plus(secret)}".encode()
        return {}, {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    if client.proof is Proof.SECRET_POST:
        return {"client_id": client.id, "client_secret": secret}, {}
    if client.proof is Proof.PRIVATE_KEY_JWT and client.key is not None:
        said = {**claims(provider, client.id, client.id, now), "nbf": int(now.timestamp()) - _EARLY}
        assertion = client.key.sign(said).reveal()
        return {"client_id": client.id, "client_assertion_type": _ASSERTION, "client_assertion": assertion}, {}
    return {"client_id": client.id}, {}


def claims(provider: Provider, issuer: str, subject: str, now: datetime) -> Mapping[str, object]:
    """The claims of an assertion for one use, made at `now` (RFC 7523 §3)."""
    moment = int(now.timestamp())
    return {
        "iss": issuer,
        "sub": subject,
        "aud": provider.audience or provider.token_url,
        "jti": secrets.token_urlsafe(24),
        "iat": moment,
        "exp": moment + provider.assertion_life,
    }


_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EARLY: Final = 30
"""Seconds by which an assertion is valid before it was made: clocks differ."""

_REGISTER: Final = "Give what the provider showed when Mover was registered there."
