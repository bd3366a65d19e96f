"""Why something went wrong, in terms the engine, the API, the CLI and the console share.

* MoverError
  + ItemError            one item failed; the run goes on
    - NotFound           the item is not there (any more)
    - Denied             the account may not touch it
    - Conflict           something else stands in its place
    - Unfit              the destination cannot hold it (name, size, kind)
    - Damaged            bytes received are not the bytes sent
    - Changed            the item changed while it was read
    - Locked             somebody else holds it; later it may work
    - Refused            the provider says no to this item, in its own words
    - Untranslatable     content cannot be opened with the key that was given
    - SpoolGone          what was kept on the way is kept no more
  + LinkError            the connection as a whole failed; the run pauses
    - BadCredentials     sign in again
    - Untrusted          the other side is not who it should be (certificate, host key)
    - Throttled          the provider asks us to slow down
    - Unreachable        network, DNS, TLS, or a server that fails
    - Full               no room is left at the destination
    - SpoolFull          the disk below the spool is full
    - SpoolFailed        the disk below the spool failed
  + UsageError           what was asked cannot be done as asked
    - BadOption          an option is unknown, missing or wrong
    - BadAddress         an address cannot be read
    - NotEncrypted       an unencrypted connection that nobody consented to
    - UnknownConnection  no saved connection of that name
    - ConnectionExists   a saved connection has that name already
    - UnknownRun         no run of that number
    - RunBusy            the run is being worked on by another process
  + RecordDamaged        a file that Mover keeps of its own is cut, changed or unreadable
  + Sealed               a sealed thing cannot be opened: tampered with, or the wrong key
  + Unsupported          a capability was used that was not declared (a bug of ours)
"""

from __future__ import annotations

from mover.core.errors.base import MoverError, Retry
from mover.core.errors.internal import RecordDamaged, Sealed, Unsupported
from mover.core.errors.item import (
    Changed,
    Conflict,
    Damaged,
    Denied,
    ItemError,
    Locked,
    NotFound,
    Refused,
    SpoolGone,
    Unfit,
    Untranslatable,
)
from mover.core.errors.link import (
    BadCredentials,
    Full,
    LinkError,
    SpoolFailed,
    SpoolFull,
    Throttled,
    Unreachable,
    Untrusted,
)
from mover.core.errors.usage import (
    BadAddress,
    BadOption,
    ConnectionExists,
    NotEncrypted,
    RunBusy,
    UnknownConnection,
    UnknownRun,
    UsageError,
)

__all__ = [
    "BadAddress",
    "BadCredentials",
    "BadOption",
    "Changed",
    "Conflict",
    "ConnectionExists",
    "Damaged",
    "Denied",
    "Full",
    "ItemError",
    "LinkError",
    "Locked",
    "MoverError",
    "NotEncrypted",
    "NotFound",
    "RecordDamaged",
    "Refused",
    "Retry",
    "RunBusy",
    "Sealed",
    "SpoolFailed",
    "SpoolFull",
    "SpoolGone",
    "Throttled",
    "Unfit",
    "UnknownConnection",
    "UnknownRun",
    "Unreachable",
    "Unsupported",
    "Untranslatable",
    "Untrusted",
    "UsageError",
]
