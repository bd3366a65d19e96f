"""A sign-in that was begun and not yet finished: what must come back, and what is needed then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from mover.core.errors import RecordDamaged
from mover.core.secret import Secret

LIFE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in under way, good for one callback until `expires` (UTC).

    `state` is 256 random bits; `verifier` is PKCE's (RFC 7636); `nonce` is there if an ID token was asked for. `scopes` are those asked
    for. `account` began it; `connection` is the saved connection that signs in again. `details` is what the caller wants to find
    again (a connection's name and options); no secrets.
    """

    state: Secret
    verifier: Secret | None
    nonce: Secret | None
    redirect_uri: str
    provider: str
    account: int
    scopes: tuple[str, ...]
    expires: datetime
    connection: int | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])

    def sealable(self) -> bytes:
        """All of it but the state, to be sealed."""
        return json.dumps(
            {
                "verifier": None if self.verifier is None else self.verifier.reveal(),
                "nonce": None if self.nonce is None else self.nonce.reveal(),
                "redirect_uri": self.redirect_uri,
                "provider": self.provider,
                "account": self.account,
                "scopes": self.scopes,
                "expires": self.expires.timestamp(),
                "connection": self.connection,
                "details": dict(self.details),
            }
        ).encode()


def pending(state: Secret, sealable: bytes) -> Pending:
    """What `Pending.sealable` gave.

    Raises:
        RecordDamaged: it is something else.
    """
    try:
        found = cast("dict[str, Any]", json.loads(sealable))
        return Pending(
            state=state,
            verifier=_secret(found["verifier"]),
            nonce=_secret(found["nonce"]),
            redirect_uri=found["redirect_uri"],
            provider=found["provider"],
            account=found["account"],
            scopes=tuple(found["scopes"]),
            expires=datetime.fromtimestamp(found["expires"], UTC),
            connection=found["connection"],
            details=found["details"],
        )
    except (ValueError, KeyError, TypeError):
        pass  # raised below, apart from the library's error, which holds the text
    raise RecordDamaged("a sign-in that was begun cannot be read", item="sign-in", advice="Begin the sign-in anew.")


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
