"""The providers that Mover knows, by key; filled from the connectors' specs when the process is wired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mover.core.errors import BadOption
from mover.core.spec import Spec
from mover.oauth.provider import Provider, Revocation


class Providers:
    """See the module.

    Raises:
        ValueError: two have one key.
    """

    def __init__(self, providers: Iterable[Provider]) -> None:
        known: dict[str, Provider] = {}
        for provider in providers:
            if known.setdefault(provider.key, provider) is not provider:
                raise ValueError(f"two providers have the key {provider.key}")
        self._known: Final = known

    def __getitem__(self, key: str) -> Provider:
        """The provider of that key. Raises `BadOption`."""
        try:
            return self._known[key]
        except KeyError:
            raise BadOption(f"there is no sign-in at {key!r}", item="provider", advice=self._advice()) from None

    def keys(self) -> tuple[str, ...]:
        """All keys, in order."""
        return tuple(sorted(self._known))

    def _advice(self) -> str:
        return f"Those with a sign-in are: {', '.join(self.keys()) or 'none yet'}."


def provider_of(spec: Spec) -> Provider | None:
    """What a connector's spec says of its sign-in; `None` if it has none."""
    oauth = spec.oauth
    if oauth is None:
        return None
    return Provider(
        spec.key,
        spec.title,
        oauth.authorize_url,
        oauth.token_url,
        oauth.revoke_url,
        scopes={"source": oauth.scopes, "destination": oauth.scopes},
        pkce=oauth.pkce,
        revocation=Revocation.NONE if oauth.revoke_url is None else Revocation.STANDARD,
    )
