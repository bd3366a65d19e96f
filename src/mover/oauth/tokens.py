"""What a provider grants: tokens, until when, for what."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from mover.core.errors import RecordDamaged
from mover.core.secret import Secret

MOST_AHEAD: Final = timedelta(seconds=300)
"""An access token is renewed that long before its end, or at four fifths of its life: what is later."""


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens of one connection. Times are UTC by this machine's clock; `expires` is `None` where the provider says they never do.

    `previous` is the refresh token before this one, until the one here has proved itself.
    """

    access: Secret
    refresh: Secret | None
    obtained: datetime
    expires: datetime | None
    scopes: frozenset[str]
    previous: Secret | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token may still be handed out."""
        if self.expires is None:
            return True
        ahead = min(MOST_AHEAD, (self.expires - self.obtained) / 5)
        # a token from the future was dated by a clock that has been set back since: its end cannot be relied on
        return self.obtained - MOST_AHEAD <= now < self.expires - ahead

    def missing(self, asked: Iterable[str], unlisted: frozenset[str] = frozenset()) -> frozenset[str]:
        """What was asked for and not granted."""
        return frozenset(asked) - self.scopes - unlisted

    def sealable(self) -> Secret:
        """All of it as one text, to be sealed."""
        return Secret(
            json.dumps(
                {
                    "version": _VERSION,
                    "access": self.access.reveal(),
                    "refresh": None if self.refresh is None else self.refresh.reveal(),
                    "previous": None if self.previous is None else self.previous.reveal(),
                    "obtained": self.obtained.timestamp(),
                    "expires": None if self.expires is None else self.expires.timestamp(),
                    "scopes": sorted(self.scopes),
                }
            )
        )


def token_set(sealable: Secret) -> TokenSet:
    """What `TokenSet.sealable` gave.

    Raises:
        RecordDamaged: it is something else.
    """
    try:
        found = cast("dict[str, Any]", json.loads(sealable.reveal()))
        if found["version"] == _VERSION:
            return TokenSet(
                access=Secret(found["access"]),
                refresh=_secret(found["refresh"]),
                obtained=datetime.fromtimestamp(found["obtained"], UTC),
                expires=None if found["expires"] is None else datetime.fromtimestamp(found["expires"], UTC),
                scopes=frozenset(found["scopes"]),
                previous=_secret(found["previous"]),
            )
    except (ValueError, KeyError, TypeError):
        pass  # raised below, apart from the library's error, which holds the text
    raise RecordDamaged("saved tokens cannot be read", item="tokens", advice="Sign in again.")


_VERSION: Final = 1


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
