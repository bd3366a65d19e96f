"""What `Retry-After` asks for."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait from `now` (seconds since 1970 UTC), never negative; `None` if the header is absent or unreadable.

    Both forms are understood: a count of seconds (some servers send a fraction) and an HTTP date (RFC 9110 §10.2.3).
    """
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _until(date: str, now: float) -> float | None:
    try:
        return max(parsedate_to_datetime(date).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None
