"""A connection, or the spool below it, failed as a whole; the run pauses."""

from __future__ import annotations

from mover.core.errors.base import MoverError, Retry


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
