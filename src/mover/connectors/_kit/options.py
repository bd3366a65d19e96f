"""Options that connectors share, so that users meet each in one form everywhere. Plain data: a spec may import this."""

from __future__ import annotations

from mover.core.options import CONSENT
from mover.core.spec import Option


def ca_file() -> Option:
    """Authorities beside the system's."""
    told = "A PEM file of authorities to trust beside the system's."
    return Option("ca_file", "Certificate authorities", told, advanced=True)


def plain_http() -> Option:
    """HTTP without TLS; it takes `consent` too."""
    told = "Speak http instead of https."
    return Option("plain_http", "Plain HTTP", told, kind="switch", default=False, advanced=True)


def consent(told: str) -> Option:
    """What a user must say before anything crosses the network unencrypted; `told` says what would."""
    return Option(CONSENT, "Accept no encryption", told, kind="switch", default=False, advanced=True)
