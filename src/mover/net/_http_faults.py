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
        return untrusted(host, reasons.partition("certificate: ")[2])
    if isinstance(problem, BuilderError) and "scheme is not allowed" in reasons:
        return not_encrypted(host)
    return bad_request(host) if isinstance(problem, ValueError) else failed(host, reasons)


def untrusted(host: str, reason: str) -> Untrusted:
    """The server cannot prove who it is."""
    return Untrusted(f"the certificate of {host} does not hold: {short(reason)}")


def not_encrypted(host: str) -> NotEncrypted:
    """A plain address where encryption is wanted."""
    return NotEncrypted(f"the address of {host} is not encrypted: it does not begin with https://")


def bad_request(host: str) -> BadAddress:
    """A request that HTTP has no form for. What was wrong with it is not shown: it may be a secret."""
    return BadAddress(
        f"no request can be made to {host}: its address or a header has characters that HTTP does not allow"
    )


def failed(host: str, reason: str) -> Unreachable:
    """The connection could not be made, or broke."""
    return Unreachable(f"the connection to {host} failed: {short(reason)}")


def silent(host: str, seconds: float) -> Unreachable:
    """The connection stands, but nothing comes."""
    return Unreachable(f"no byte moved to or from {host} for {seconds:.0f} s")


def why(problem: Exception) -> str:
    """The library's innermost reasons, without addresses."""
    causes = problem.details["causes"] if isinstance(problem, DetailedPyreqwestError) else None
    texts = [c["message"] for c in causes] if causes else [str(problem)]
    return ": ".join(dict.fromkeys(_FOR_URL.sub("", text) for text in texts))


def short(text: str) -> str:
    """A text cut to what is worth showing."""
    return text if len(text) <= _TEXT else text[:_TEXT] + "..."
