"""What a browser brings back from a provider (RFC 6749 §4.1.2, RFC 9207 §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from mover.core.errors import WrongState
from mover.core.secret import Secret

LONGEST_QUERY: Final = 16 << 10
"""Characters."""

MOST_FIELDS: Final = 30


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback of the right form; nothing of it is proved yet. `issuer` is RFC 9207's `iss`; `error` is a plain name."""

    state: Secret
    code: Secret | None
    error: str | None
    issuer: str | None


def callback(query: str) -> Callback:
    """The callback in a query (what stands behind the `?`).

    Raises:
        WrongState: it is none: a parameter is missing, comes twice, or cannot be.
    """
    found = _fields(query)
    state, code, error = found.get("state"), found.get("code"), found.get("error")
    if not state or not _STATE.fullmatch(state):
        raise strayed()
    if (code is None) == (error is None):
        raise strayed()
    if code is not None and not _CODE.fullmatch(code):
        raise strayed()
    if error is not None and not _ERROR.fullmatch(error):
        error = "unreadable"
    return Callback(Secret(state), None if code is None else Secret(code), error, found.get("iss"))


def strayed() -> WrongState:
    """The error for a callback that belongs to no sign-in under way; which of the reasons it is, is nobody's business."""
    return WrongState(
        "this sign-in is over: it was finished before, took too long, or was begun elsewhere", advice=_ANEW
    )


_ANEW: Final = "Begin the sign-in anew, and finish it in the same browser within ten minutes."
_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE: Final = re.compile(r"[\x20-\x7e]{1,8192}")
_ERROR: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")


def _fields(query: str) -> dict[str, str]:
    if len(query) > LONGEST_QUERY:
        raise strayed()
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        pairs = []  # and no cause: the library's error holds the text
    found = dict(pairs)
    if not found or len(found) != len(pairs):
        raise strayed()
    return found
