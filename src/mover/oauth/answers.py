"""A token answer, read by the letter (RFC 6749 §5.1): whatever is not as it must be is refused, and none of it is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from mover.core.errors import Unreachable
from mover.core.secret import Secret
from mover.oauth.provider import Provider
from mover.oauth.tokens import TokenSet

LONGEST_TOKEN: Final = 16 << 10
"""Characters."""

LONGEST_LIFE: Final = 3650 * 86400
"""Seconds; a number above is no life of a token."""


def tokens_of(found: Mapping[str, Any], provider: Provider, asked: tuple[str, ...], sent: datetime) -> TokenSet:
    """The tokens of an answer to a request that was sent at `sent`: a life is counted from there, to be on the safe side.

    Raises:
        Unreachable: it is no valid answer.
    """
    kind = found.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise broken(provider, "gives no token of the type Bearer")
    access = token(found, "access_token", provider)
    if access is None:
        raise broken(provider, "gives no access token")
    life = _life(found.get("expires_in"), provider)
    return TokenSet(
        access=access,
        refresh=token(found, "refresh_token", provider),
        obtained=sent,
        expires=None if life is None else sent + timedelta(seconds=life),
        scopes=_scopes(found.get("scope"), provider, asked),
    )


def token(found: Mapping[str, Any], name: str, provider: Provider) -> Secret | None:
    """The token of that name, `None` if there is none. Raises `Unreachable` if it cannot be one."""
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TOKEN or not _TOKEN.fullmatch(value):
        raise broken(provider, f"gives a {name} that cannot be one")
    return Secret(value)


def broken(provider: Provider, what: str) -> Unreachable:
    """The error for an answer that is not by the standard."""
    return Unreachable(f"the sign-in of {provider.title} {what}", advice=_BROKEN)


def _life(value: object, provider: Provider) -> int | None:
    if value is None:
        if provider.life_unsaid is None:
            raise broken(provider, "does not say how long its token lives")
        return provider.life_unsaid or None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)  # some providers send the number as text
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LONGEST_LIFE:
        raise broken(provider, "gives a token whose life cannot be")
    return value


def _scopes(value: object, provider: Provider, asked: tuple[str, ...]) -> frozenset[str]:
    if value is None:
        return frozenset(asked)
    if not isinstance(value, str) or len(value) > LONGEST_TOKEN or not value.isprintable():
        raise broken(provider, "gives rights that cannot be read")
    return frozenset(value.replace(provider.scope_separator, " ").split())


_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""What a header can carry; wider than RFC 6750 §2.1, as providers' tokens are."""

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_BROKEN: Final = "Try again; if it stays so, look at the provider's status page and its address in the settings."
