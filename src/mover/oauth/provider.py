"""An authorization server as data: where it is, what it wants, where it leaves the standard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from mover.core.errors import BadOption, NotEncrypted

Use = Literal["source", "destination"]


class Rotation(Enum):
    """What becomes of a refresh token when it is used (RFC 6749 §6, RFC 9700 §4.14.2)."""

    STABLE = "stable"  # it stays the same
    REPLACED = "replaced"  # a new one comes, the old one is good for a while
    SINGLE_USE = "single use"  # a new one comes, the old one is worth nothing at once


class Revocation(Enum):
    """How access is given back."""

    STANDARD = "standard"  # RFC 7009: the token in a form, the client authenticates
    BEARER = "bearer"  # a request without arguments that the access token itself authorizes
    NONE = "none"  # by no program: the user does it at the provider


@dataclass(frozen=True, slots=True)
class Provider:
    """Settings of one authorization server. URLs may hold `{name}`, to be filled by `at` with what a connection says (a tenant, a domain).

    `issuer` is who it says it is (RFC 8414), where it says so; `announces_issuer` that its callbacks name it (RFC 9207). `scopes` are
    those needed by a source and by a destination; `unlisted_scopes` are those that it grants without saying so. `authorize_extra` and
    `token_extra` are parameters of its own. `life_unsaid` are the seconds an access token lives whose answer does not say; without it
    such an answer is refused. `throttled` are the statuses by which its token endpoint says "too often". `manage_url` is where a user
    takes access away by hand. `audience` is whom assertions are addressed to, if it is not the token endpoint, and `assertion_life`
    the seconds that it lets them live. `loopback_http` lets `http://127.0.0.1` pass: for tests alone.

    Raises:
        BadOption: an address, an extra parameter or a number cannot be.
        NotEncrypted: an address does not begin with https://.
    """

    key: str
    title: str
    authorize_url: str
    token_url: str
    revoke_url: str | None = None
    issuer: str | None = None
    announces_issuer: bool = False
    scopes: Mapping[Use, tuple[str, ...]] = field(default_factory=dict[Use, tuple[str, ...]])
    scope_separator: str = " "
    unlisted_scopes: frozenset[str] = frozenset({"offline_access", "openid", "profile"})
    pkce: bool = True
    rotation: Rotation = Rotation.REPLACED
    revocation: Revocation = Revocation.STANDARD
    manage_url: str | None = None
    authorize_extra: Mapping[str, str] = field(default_factory=dict[str, str])
    token_extra: Mapping[str, str] = field(default_factory=dict[str, str])
    life_unsaid: int | None = None
    throttled: frozenset[int] = frozenset({429})
    audience: str | None = None
    assertion_life: int = 300
    loopback_http: bool = False

    def __post_init__(self) -> None:
        for url in (self.authorize_url, self.token_url, self.revoke_url, self.issuer):
            if url is not None:
                _must_be_address(url, self.title, loopback=self.loopback_http)
        if taken := sorted(_OURS & {*self.authorize_extra, *self.token_extra}):
            raise BadOption(f"{', '.join(taken)} cannot be an extra parameter of {self.title}", item="authorize_extra")
        if not 1 <= self.assertion_life <= _LONGEST_ASSERTION:
            raise BadOption("an assertion lives 1 to 3600 seconds", item="assertion_life")

    def scopes_for(self, use: Use) -> tuple[str, ...]:
        """What a connection needs that is used this way."""
        return self.scopes.get(use, ())

    def at(self, **values: str) -> Self:
        """The same provider with `{name}` filled in; a value is one label or more of a host name, so that it leads nowhere else.

        Raises:
            BadOption: a value is missing or cannot stand in an address.
        """
        for name, value in values.items():
            if not _LABELS.fullmatch(value):
                raise BadOption(f"{value!r} cannot stand in an address of {self.title}", item=name, advice=_LABEL)

        def filled(url: str | None) -> str | None:
            return None if url is None else _HOLE.sub(lambda hole: _value(hole[1], values), url)

        return replace(
            self,
            authorize_url=filled(self.authorize_url) or "",
            token_url=filled(self.token_url) or "",
            revoke_url=filled(self.revoke_url),
            issuer=filled(self.issuer),
            audience=filled(self.audience),
        )

    @property
    def is_filled(self) -> bool:
        """Whether no `{name}` is left."""
        return not any(_HOLE.search(url or "") for url in (self.authorize_url, self.token_url, self.revoke_url))


def must_be_redirect(url: str) -> None:
    """Return if a user's browser may be sent there with a code: https, or http on this very machine (RFC 8252 §7.3); no fragment.

    Raises:
        BadOption, NotEncrypted: it may not.
    """
    _must_be_address(url, "Mover", loopback=True)


_OURS: Final = frozenset(
    {
        *("response_type", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce", "code"),
        *("code_challenge", "code_challenge_method", "code_verifier", "grant_type", "refresh_token", "assertion"),
        *("client_assertion", "client_assertion_type", "request", "request_uri", "response_mode", "token"),
    }
)
"""Parameters that Mover sets itself, or that would change what an answer means."""

_LONGEST_ASSERTION: Final = 3600
_LONGEST_URL: Final = 2000
_HOLE: Final = re.compile(r"\{([a-z_]+)\}")
_ONE_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LABELS: Final = re.compile(rf"{_ONE_LABEL}(?:\.{_ONE_LABEL}){{0,4}}")
_LABEL: Final = "Give letters, digits and hyphens only, such as the name of the company's domain."
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def _value(name: str, values: Mapping[str, str]) -> str:
    try:
        return values[name]
    except KeyError:
        raise BadOption(f"{name} is needed to know the provider's address", item=name, advice=_LABEL) from None


def _must_be_address(url: str, title: str, *, loopback: bool) -> None:
    try:
        parts = urlsplit(_HOLE.sub("x", url))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    clean = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST_URL
    if not host or not clean or parts.username is not None or parts.fragment or "#" in url:
        raise BadOption(f"an address of {title} is none", item="url", advice="Give an URL such as https://host/path.")
    if parts.scheme != "https" and not (loopback and parts.scheme == "http" and host in _LOOPBACK):
        raise NotEncrypted(f"an address of {title} does not begin with https://", advice="Use its https:// address.")
