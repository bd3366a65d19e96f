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

from enum import Enum
from typing import ClassVar


class Retry(Enum):
    """What a caller may do with the same request."""

    NEVER = "never"
    SOON = "soon"
    WHEN_TOLD = "when told"


class MoverError(Exception):
    """Base of all errors Mover raises on purpose.

    `code` is stable and public: it is the API's `type`, the report's column, the docs' anchor. `detail` is for the user and
    holds no secret; the cause, chained by `raise ... from`, stays in the log. `after` is the time in seconds that
    the provider asked us to wait.
    """

    code: ClassVar[str] = "internal"
    retry: ClassVar[Retry] = Retry.NEVER
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    advice: ClassVar[str] = "This is a fault in Mover. Please report it with the run's number."

    def __init__(self, detail: str, *, item: str | None = None, after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.item = item
        self.after = after


class ItemError(MoverError):
    """One item failed; the run goes on."""


class NotFound(ItemError):
    """The item is not there."""

    code = "item-not-found"
    http_status, exit_code = 404, 4
    advice = "It was moved or deleted since the scan. Scan again to see what is there now."


class Denied(ItemError):
    """The account may not read or write the item."""

    code = "item-denied"
    http_status, exit_code = 403, 7
    advice = "Give the connection's account access to the item, or connect with another account, and retry."


class Conflict(ItemError):
    """Something of another kind stands in the item's place."""

    code = "item-conflict"
    http_status, exit_code = 409, 6
    advice = "Rename or remove what stands in its place at the destination, and retry."


class Unfit(ItemError):
    """The destination cannot hold the item."""

    code = "item-unfit"
    http_status, exit_code = 422, 6
    advice = "Rename it at the source, or choose another rule for names (--names replace)."


class Damaged(ItemError):
    """The bytes received are not the bytes sent."""

    code = "item-damaged"
    retry = Retry.SOON
    http_status, exit_code = 502, 5
    advice = "Mover fetched it again and it stayed damaged: check the source itself, then retry."


class Changed(ItemError):
    """The item changed while it was read."""

    code = "item-changed"
    retry = Retry.SOON
    http_status, exit_code = 409, 5
    advice = "Something keeps writing to it. Retry when it is at rest."


class Locked(ItemError):
    """Somebody else holds the item."""

    code = "item-locked"
    retry = Retry.SOON
    http_status, exit_code = 423, 5
    advice = "Somebody has it open. Retry when it is closed."


class Refused(ItemError):
    """The provider refuses this item for a reason of its own."""

    code = "item-refused"
    http_status, exit_code = 422, 6
    advice = "Read the provider's reason above; it will refuse again until that is mended."


class Untranslatable(ItemError):
    """Content or a name cannot be opened with the key that was given."""

    code = "item-undecryptable"
    http_status, exit_code = 422, 6
    advice = "Check that --decrypt-with names the key the files were encrypted to."


class SpoolGone(ItemError):
    """Bytes were asked for that the spool no longer has; the source still has them."""

    code = "spool-gone"
    retry = Retry.SOON
    http_status, exit_code = 500, 5
    advice = "Nothing to do: the item is fetched again."


class LinkError(MoverError):
    """The connection as a whole failed; the run pauses and can be resumed."""

    http_status, exit_code = 503, 5


class BadCredentials(LinkError):
    """The provider does not accept who we say we are."""

    code = "credentials-refused"
    http_status, exit_code = 401, 7
    advice = "Check the user and the secret, or connect again; then resume the run."


class Untrusted(LinkError):
    """The other side did not prove who it is."""

    code = "host-untrusted"
    http_status, exit_code = 502, 7
    advice = (
        "Check the host's key or certificate with its administrator, then state it in the connection. Never skip this."
    )


class Throttled(LinkError):
    """The provider asks us to slow down."""

    code = "throttled"
    retry = Retry.WHEN_TOLD
    advice = "Nothing to do: the run slows down and goes on by itself. If it gave up, resume it later."


class Unreachable(LinkError):
    """Network, DNS or TLS failed, or the server itself did."""

    code = "unreachable"
    retry = Retry.SOON
    advice = "Check the address, the network and the service's status page; then resume the run."


class Full(LinkError):
    """No room is left at the destination, or a quota is used up."""

    code = "destination-full"
    http_status, exit_code = 507, 8
    advice = "Make room or raise the quota at the destination, then resume the run."


class SpoolFull(LinkError):
    """The disk below the spool is full; every file in the spool stays readable."""

    code = "spool-full"
    http_status, exit_code = 507, 8
    advice = (
        "Make room on the disk that holds the spool, choose another folder or a smaller quota; then resume the run."
    )


class SpoolFailed(LinkError):
    """The disk below the spool failed."""

    code = "spool-failed"
    http_status, exit_code = 500, 1
    advice = (
        "Check the disk that holds the spool (dmesg shows its errors) or choose another folder; then resume the run."
    )


class UsageError(MoverError):
    """What was asked cannot be done as asked."""

    code = "usage"
    http_status, exit_code = 400, 2
    advice = "See --help."


class BadOption(UsageError):
    """An option is unknown, missing or of the wrong kind."""

    code = "bad-option"
    advice = "`mover connection add <provider> --help` lists the options."


class BadAddress(UsageError):
    """An address cannot be read."""

    code = "bad-address"
    advice = "Use name:path for a saved connection, a URL such as sftp://user@host/path, or a local path."


class NotEncrypted(UsageError):
    """An unencrypted connection that nobody consented to."""

    code = "not-encrypted"
    http_status = 422
    advice = "Use the encrypted form if the server has one. Otherwise accept it openly with --allow-unencrypted."


class UnknownConnection(UsageError):
    """No saved connection has that name."""

    code = "unknown-connection"
    http_status, exit_code = 404, 4
    advice = "`mover connection list` shows the saved connections."


class ConnectionExists(UsageError):
    """A saved connection has that name already."""

    code = "connection-exists"
    http_status = 409
    advice = "Choose another name, or remove the other connection first; `add` and `import` take --replace."


class UnknownRun(UsageError):
    """No run has that number."""

    code = "unknown-run"
    http_status, exit_code = 404, 4
    advice = "`mover run list` shows the runs."


class RunBusy(UsageError):
    """Another process works on the run."""

    code = "run-busy"
    http_status, exit_code = 409, 5
    advice = "Wait for the other process, or stop it; then resume the run."


class RecordDamaged(MoverError):
    """A file that Mover keeps of its own is cut, changed or cannot be read."""

    code = "record-damaged"
    http_status, exit_code = 500, 1
    advice = "Restore the file from a backup, or move it away and begin anew; files at providers are not touched by it."


class Sealed(MoverError):
    """A sealed thing cannot be opened: it was tampered with, or the key is another one."""

    code = "seal-broken"
    http_status, exit_code = 500, 7
    advice = "Restore the key files or the sealed file from a backup, or connect again."


class Unsupported(MoverError):
    """A capability was used that the connector does not declare."""

    code = "unsupported"
