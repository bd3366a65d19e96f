"""What an HTTP status means where the provider says nothing better."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mover.core.errors import (
    BadCredentials,
    Changed,
    Conflict,
    Denied,
    Full,
    Locked,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
)

Meanings = Mapping[int, type[MoverError]]

COMMON: Final[Meanings] = MappingProxyType(
    {
        401: BadCredentials,
        403: Denied,
        404: NotFound,
        408: Unreachable,
        409: Conflict,
        410: NotFound,
        412: Changed,
        413: Unfit,
        414: Unfit,
        416: Changed,
        423: Locked,
        425: Unreachable,
        429: Throttled,
        431: Unfit,
        451: Denied,
        501: Refused,
        503: Throttled,
        505: Refused,
        507: Full,
    }
)
"""RFC 9110 §15, RFC 4918 §11, RFC 6585, RFC 8470. 503 is what busy and paused servers say; every other 5xx is a fault of the server."""

_NONE: Final[Meanings] = MappingProxyType({})
_SERVER_FAULT: Final = 500


def meaning(status: int, own: Meanings = _NONE) -> type[MoverError]:
    """The error that a status stands for; `own` is what it means at this provider, where that is something else."""
    return own.get(status) or COMMON.get(status) or (Unreachable if status >= _SERVER_FAULT else Refused)
