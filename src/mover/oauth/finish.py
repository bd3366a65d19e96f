"""The end of a sign-in: the callback is proved to be this one's, and its code is exchanged for tokens (RFC 6749 §4.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mover.core.errors import Untrusted
from mover.oauth.answers import token, tokens_of
from mover.oauth.callback import Callback, strayed
from mover.oauth.client import Client
from mover.oauth.endpoint import Line, asked
from mover.oauth.failures import Asked, denied
from mover.oauth.id_token import subject_of
from mover.oauth.pending import Pending
from mover.oauth.provider import Provider
from mover.oauth.tokens import TokenSet


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in: its tokens are to be saved before they are used.

    `missing` are rights that were asked for and not granted, `subject` is who signed in (where an ID token was asked for), and `notes`
    are sentences for the user.
    """

    tokens: TokenSet
    missing: frozenset[str]
    subject: str | None
    notes: tuple[str, ...]


async def finish(line: Line, provider: Provider, client: Client, kept: Pending, came: Callback) -> SignedIn:
    """Exchange the code of a callback. `kept` has been taken out of its store before: there is no second try.

    Raises:
        WrongState: the callback is not this sign-in's, or comes too late.
        Untrusted: another server answered in the provider's place, or the ID token is not this sign-in's.
        BadCredentials: access was not granted, the code counts no longer, or Mover itself is not let in.
        BadOption, Throttled, Unreachable: see `endpoint.asked`.
    """
    if not came.state.matches(kept.state) or kept.provider != provider.key or line.clock.now() >= kept.expires:
        raise strayed()
    _must_be_from(provider, came.issuer)
    if came.code is None:
        raise denied(came.error or "", provider)
    fields = {"grant_type": "authorization_code", "code": came.code.reveal(), "redirect_uri": kept.redirect_uri}
    if kept.verifier is not None:
        fields["code_verifier"] = kept.verifier.reveal()
    sent = line.clock.now()
    found = await asked(line, provider, fields, client, Asked.CODE)
    tokens = tokens_of(found, provider, kept.scopes, sent)
    subject = None
    if kept.nonce is not None:
        subject = subject_of(token(found, "id_token", provider), provider, client, kept.nonce, line.clock.now())
    missing = tokens.missing(kept.scopes, provider.unlisted_scopes)
    return SignedIn(tokens, missing, subject, tuple(_notes(provider, tokens, missing)))


def _must_be_from(provider: Provider, issuer: str | None) -> None:
    """RFC 9207 §2.4: whoever names itself must be who was asked; who always does must do so now."""
    if issuer is None and not provider.announces_issuer:
        return
    if provider.issuer is not None and issuer != provider.issuer:
        raise Untrusted(f"the answer to this sign-in is not from {provider.title}", advice=_MIXED)


def _notes(provider: Provider, tokens: TokenSet, missing: frozenset[str]) -> list[str]:
    notes: list[str] = []
    if missing:
        notes.append(
            f"{provider.title} did not grant everything that was asked for: {', '.join(sorted(missing))}. "
            "What needs it will fail; sign in again to grant it."
        )
    if tokens.refresh is None and tokens.expires is not None:
        notes.append(
            f"{provider.title} gave a sign-in that cannot be renewed: it ends at {tokens.expires:%Y-%m-%d %H:%M} UTC, "
            "and you will have to sign in again."
        )
    return notes


_MIXED: Final = (
    "Nothing was sent to it. Begin the sign-in anew; if it stays so, compare the provider's issuer in the settings "
    "with the one it announces."
)
