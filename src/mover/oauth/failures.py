"""What a provider's refusal means. Its own words may repeat what was sent to it, so they are read and never shown.

Sources: RFC 6749 §4.1.2.1 and §5.2, RFC 7009 §2.2.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Final

from mover.core.errors import BadCredentials, BadOption, MoverError, Throttled, Unreachable
from mover.net.http import Answer
from mover.net.retry_after import retry_after
from mover.oauth.provider import Provider


class Asked(Enum):
    """What a request was for: the same refusal means another thing."""

    CODE = "code"
    REFRESH = "refresh"
    SERVICE = "service"
    REVOCATION = "revocation"


class SignInEnded(BadCredentials):
    """The provider does not take the grant any more, or not this one: nothing but a new sign-in helps."""


AGAIN: Final = "Sign in again: open the connection and choose Sign in; then resume the run."
LOST: Final = (
    "The provider replaced the sign-in, but its answer never arrived or could not be kept, and the old one counts no longer. "
    "Nothing else is lost: sign in again, then resume the run."
)
_REGISTER: Final = (
    "An administrator must compare Mover's registration at the provider (id, secret or certificate, what it may do) "
    "with Mover's settings."
)


def refusal(
    answer: Answer, found: Mapping[str, Any] | None, provider: Provider, what: Asked, *, now: float
) -> MoverError:
    """The error to raise for an answer that is none; `now` is in seconds since 1970 UTC.

    It is one of:
        SignInEnded: the grant (code, refresh token, assertion) counts no longer.
        BadCredentials: Mover itself is not let in.
        BadOption: the registration does not fit what is asked.
        Throttled: too many requests; `after` as told.
        Unreachable: the provider fails, or something else answers in its place.
    """
    after = retry_after(answer.header("retry-after"), now=now)
    if answer.status in provider.throttled or (answer.status == _AWAY and after is not None):
        return Throttled(f"{provider.title} asks to wait before the next sign-in request", after=after)
    if answer.status >= _FAILED:
        return Unreachable(f"the sign-in of {provider.title} fails: HTTP {answer.status}", after=after)
    if answer.status in _REDIRECTS:
        return Unreachable(
            f"the sign-in of {provider.title} answers with a redirect, which Mover never follows", advice=_BETWEEN
        )
    code = None if found is None else found.get("error")
    if not isinstance(code, str):
        return Unreachable(
            f"{_who(provider)} answers HTTP {answer.status} with what is no token answer", advice=_BETWEEN
        )
    return _by_code(code, provider, what, _skew(answer, now), after)


def denied(code: str, provider: Provider) -> MoverError:
    """The error for a callback that says `error=code`."""
    if code in {"temporarily_unavailable", "server_error"}:
        return Unreachable(f"{provider.title} could not finish the sign-in", advice="Try it again in some minutes.")
    if code in {"access_denied", "consent_required", "interaction_required", "login_required"}:
        return BadCredentials(f"access to {provider.title} was not granted", advice=_GRANT)
    if code == "invalid_scope":
        return _unfit("does not know, or does not let Mover ask for, the rights that it needs", provider)
    return _unfit("does not let Mover ask for a sign-in", provider)


def _by_code(code: str, provider: Provider, what: Asked, skew: float, after: float | None) -> MoverError:
    if code in {"temporarily_unavailable", "server_error"}:
        return Unreachable(f"the sign-in of {provider.title} fails for the moment", after=after)
    if code in {"slow_down", "rate_limited", "too_many_requests"}:
        return Throttled(f"{provider.title} asks to wait before the next sign-in request", after=after)
    if code in {"invalid_grant", "interaction_required", "consent_required", "login_required"}:
        return SignInEnded(_ENDED[what].format(provider.title), advice=_clock(skew) or _AFTER[what])
    if code == "invalid_client":
        return BadCredentials(
            f"{provider.title} does not accept Mover's registration", advice=_clock(skew) or _REGISTER
        )
    if code in {"unauthorized_client", "access_denied"}:
        return BadCredentials(f"{provider.title} does not let Mover do this", advice=_REGISTER)
    return _unfit(_UNFIT.get(code, "does not understand or allow what was asked of its sign-in"), provider)


def _unfit(what: str, provider: Provider) -> BadOption:
    return BadOption(f"{provider.title} {what}", item="provider", advice=_REGISTER)


def _who(provider: Provider) -> str:
    return f"the sign-in of {provider.title}"


def _skew(answer: Answer, now: float) -> float:
    """Seconds by which this machine's clock is ahead of the provider's."""
    try:
        return now - parsedate_to_datetime(answer.header("date") or "").timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _clock(skew: float) -> str | None:
    if abs(skew) < _TOLERATED:
        return None
    way = "ahead of" if skew > 0 else "behind"
    return f"This machine's clock is {abs(skew):.0f} s {way} the provider's: set it (NTP), then try again."


_UNFIT: Final[Mapping[str, str]] = {
    "invalid_scope": "does not know, or does not let Mover have, the rights that were asked for",
    "unsupported_token_type": "cannot take back this kind of token",
}
_AWAY: Final = 503
_FAILED: Final = 500
_REDIRECTS: Final = range(300, 400)
_TOLERATED: Final = 60.0
_BETWEEN: Final = (
    "Check that no proxy or sign-in page of the network stands in between, and the provider's address in the settings."
)
_GRANT: Final = "Sign in again and agree, or ask an administrator of the account there to allow Mover."
_ENDED: Final[Mapping[Asked, str]] = {
    Asked.CODE: "{} does not accept the end of this sign-in: it was used before, is too old or was changed",
    Asked.REFRESH: "{} does not accept the sign-in of this connection any more: it was withdrawn or has expired",
    Asked.SERVICE: "{} does not accept the service account's assertion",
    Asked.REVOCATION: "{} does not know the sign-in any more",
}
_AFTER: Final[Mapping[Asked, str]] = {
    Asked.CODE: "Begin the sign-in anew.",
    Asked.REFRESH: AGAIN,
    Asked.SERVICE: "Check the service account's key, the user it stands for and what it may do at the provider.",
    Asked.REVOCATION: "Nothing is to be done.",
}
