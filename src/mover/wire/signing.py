"""What a runner signs: the request as a whole, so that no byte of it can be changed, moved elsewhere or sent again.

`count` rises with every request for a verb: the time in nanoseconds, or one more than the last. The control plane takes none twice and none
that is out of its clock's reach.
"""

from __future__ import annotations

import hashlib
from typing import Final

RUNNER: Final = "mover-runner"
COUNT: Final = "mover-count"
SIGNATURE: Final = "mover-signature"
"""Headers."""

SKEW: Final = 300.0
"""Seconds by which a runner's clock may differ."""

_WORD: Final = b"mover-runner-request-v1"


def signed_part(method: str, path: str, runner: str, count: int, body: bytes) -> bytes:
    """The bytes that are signed; every field is delimited, so that no two requests give the same."""
    fields = (method.upper(), path, runner, str(count), hashlib.sha256(body).hexdigest())
    return b"\n".join([_WORD, *(field.encode() for field in fields)])
