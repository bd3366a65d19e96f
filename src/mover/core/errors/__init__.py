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
    - UnknownThing       the service has no such thing
    - NameTaken          something of that name is there already
    - WrongState         it cannot be done as things stand
  + AccessError          the service does not do this for whoever asks
    - NotProved          nobody knows who asks
    - NotAllowed         it is known who asks, and they may not
    - ProveAgain         whoever is signed in must prove who they are again
    - SecondFactorNeeded the password is right, a second factor is due
    - CrossSite          the request does not come from a page of ours
    - WrongHost          the request is for a name that is not this server's
    - TooLong            a request's body is too long
    - NotJson            a request's body is not what the API reads
    - Replayed           a signed request that came before
    - TooOften           more requests than allowed
  + DatabaseFailed       Mover's own database failed
    - DatabaseUnreachable  it does not answer
    - DatabaseContended  others work on the same rows
    - DatabaseRefused    it does not let Mover in
    - DatabaseUntrusted  its server did not prove who it is
    - DatabaseUnfit      its folder, version or schema is not for this Mover
    - DatabaseBusy       another Mover works with its folder
    - DatabaseFull       its disk is full
    - RowConflict        a rule of the schema says no to a change
  + NotLoggable          something was to be logged that the audit log does not take
  + LogDamaged           the audit log is not what was written
  + CheckpointRefused    a checkpoint of the audit log cannot be believed
  + WitnessFailed        a checkpoint could not be taken off the machine
  + RecordDamaged        a file that Mover keeps of its own is cut, changed or unreadable
  + KeysUnreachable      the global key's holder does not answer now
  + KeysRefused          the global key's holder does not let us use it
  + Sealed               a sealed thing cannot be opened: tampered with, or the wrong key
  + Unsupported          a capability was used that was not declared (a bug of ours)
"""

from __future__ import annotations

from mover.core.errors.access import (
    AccessError,
    CrossSite,
    NameTaken,
    NotAllowed,
    NotJson,
    NotProved,
    ProveAgain,
    Replayed,
    SecondFactorNeeded,
    TooLong,
    TooOften,
    UnknownThing,
    WrongHost,
    WrongState,
)
from mover.core.errors.audit import CheckpointRefused, LogDamaged, NotLoggable, WitnessFailed
from mover.core.errors.base import MoverError, Retry
from mover.core.errors.database import (
    DatabaseBusy,
    DatabaseContended,
    DatabaseFailed,
    DatabaseFull,
    DatabaseRefused,
    DatabaseUnfit,
    DatabaseUnreachable,
    DatabaseUntrusted,
    RowConflict,
)
from mover.core.errors.internal import KeysRefused, KeysUnreachable, RecordDamaged, Sealed, Unsupported
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
    "AccessError",
    "BadAddress",
    "BadCredentials",
    "BadOption",
    "Changed",
    "CheckpointRefused",
    "Conflict",
    "ConnectionExists",
    "CrossSite",
    "Damaged",
    "DatabaseBusy",
    "DatabaseContended",
    "DatabaseFailed",
    "DatabaseFull",
    "DatabaseRefused",
    "DatabaseUnfit",
    "DatabaseUnreachable",
    "DatabaseUntrusted",
    "Denied",
    "Full",
    "ItemError",
    "KeysRefused",
    "KeysUnreachable",
    "LinkError",
    "Locked",
    "LogDamaged",
    "MoverError",
    "NameTaken",
    "NotAllowed",
    "NotEncrypted",
    "NotFound",
    "NotJson",
    "NotLoggable",
    "NotProved",
    "ProveAgain",
    "RecordDamaged",
    "Refused",
    "Replayed",
    "Retry",
    "RowConflict",
    "RunBusy",
    "Sealed",
    "SecondFactorNeeded",
    "SpoolFailed",
    "SpoolFull",
    "SpoolGone",
    "Throttled",
    "TooLong",
    "TooOften",
    "Unfit",
    "UnknownConnection",
    "UnknownRun",
    "UnknownThing",
    "Unreachable",
    "Unsupported",
    "Untranslatable",
    "Untrusted",
    "UsageError",
    "WitnessFailed",
    "WrongHost",
    "WrongState",
]
