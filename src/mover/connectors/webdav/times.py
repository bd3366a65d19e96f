"""Modification times on servers that keep properties but not times (Apache).

The property `modified` of our namespace holds the time, and until when the server itself may date the file for it to count:
somebody who writes the file later leaves the property as it was on some servers, and an outdated time would hide the change.
For other clients Microsoft's `Win32LastModifiedTime` is set beside it; it is not read, since nothing tells if it is outdated.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime
from math import ceil
from typing import Final

OURS: Final = "urn:openmover:webdav"
MICROSOFT: Final = "urn:schemas-microsoft-com:"
_SLACK: Final = 1.0
"""Seconds by which a server's clock and its files' times may differ: both are cut to whole seconds."""


class Clock:
    """The server's clock, as the `Date` of an answer and the time since tell it."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def end(self, date: datetime | None) -> float:
        """The server's time now, in seconds since 1970, rounded up. Some servers date an answer by when its request began."""
        if date is None:
            return time.time()
        return ceil(date.timestamp() + (time.monotonic() - self._begun) + _SLACK)


def property_update(modified: datetime, counts_until: float) -> bytes:
    """The body of a PROPPATCH that keeps a time; `counts_until` is in seconds since 1970, by the server's clock."""
    windows = format_datetime(modified.astimezone(UTC).replace(microsecond=0), usegmt=True)
    return _update(
        f'<M:modified xmlns:M="{OURS}">{modified.timestamp():.6f} {counts_until:.0f}</M:modified>'
        f'<W:Win32LastModifiedTime xmlns:W="{MICROSOFT}">{windows}</W:Win32LastModifiedTime>'
    )


def lastmodified_update(modified: datetime) -> bytes:
    """The body of a PROPPATCH by which Nextcloud, ownCloud and rclone take the time of a file that is there."""
    return _update(f"<D:lastmodified>{int(modified.timestamp())}</D:lastmodified>")


def kept_time(text: str | None, server: datetime | None) -> datetime | None:
    """The time a property keeps, unless the server dates the file later than it counts for. Without `server` it always counts."""
    try:
        kept, until = (float(word) for word in (text or "").split())
        if server is not None and server.timestamp() > until:
            return None
        return datetime.fromtimestamp(kept, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _update(properties: str) -> bytes:
    begin = '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>'
    return f"{begin}{properties}</D:prop></D:set></D:propertyupdate>".encode()
