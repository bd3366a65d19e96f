"""What the HTTP library's failures mean, without the addresses they may show."""

from __future__ import annotations

import re
from typing import Final

from pyreqwest.exceptions import BuilderError, ConnectError, DetailedPyreqwestError, PyreqwestError

from mover.core.errors import BadAddress, MoverError, NotEncrypted, Unreachable, Untrusted

_FOR_URL: Final = re.compile(r" for url \(.*\)", re.DOTALL)
"""An address in the library's messages; it may hold secrets (signatures, tokens)."""

_TEXT: Final = 300
"""Characters of a reason that are worth showing."""


def host_of(url: str) -> str:
    """Host and port of an address, without what a user might have put before or behind them."""
    return url.split("/", 3)[2].rpartition("@")[2].partition("?")[0] if "//" in url else "the server"


def translated(problem: PyreqwestError | ValueError, host: str) -> MoverError:
    """What to raise instead, `from None`: the library's own text shows the address."""
    reasons = why(problem)
    if isinstance(problem, ConnectError) and "invalid peer certificate" in reasons:
        return Untrusted(f"the certificate of {host} does not hold: {short(reasons.partition('certificate: ')[2])}")
    if isinstance(problem, BuilderError) and "scheme is not allowed" in reasons:
        return NotEncrypted(f"the address of {host} is not encrypted: it does not begin with https://")
    if isinstance(problem, ValueError):  # its text would show the header, which may be a secret
        return BadAddress(
            f"no request can be made to {host}: its address or a header has characters that HTTP does not allow"
        )
    return Unreachable(f"the connection to {host} failed: {short(reasons)}")


def why(problem: Exception) -> str:
    """The library's innermost reasons, without addresses."""
    causes = problem.details["causes"] if isinstance(problem, DetailedPyreqwestError) else None
    texts = [c["message"] for c in causes] if causes else [str(problem)]
    return ": ".join(dict.fromkeys(_FOR_URL.sub("", text) for text in texts))


def short(text: str) -> str:
    """A text cut to what is worth showing."""
    return text if len(text) <= _TEXT else text[:_TEXT] + "..."
