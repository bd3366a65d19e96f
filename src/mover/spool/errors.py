"""What can go wrong with the spool itself."""

from __future__ import annotations

import errno

from mover.core.errors import ItemError, LinkError, MoverError, Retry


class SpoolGone(ItemError):
    """Bytes were asked for that the spool no longer has; the source still has them."""

    code = "spool-gone"
    retry = Retry.SOON
    http_status, exit_code = 500, 5
    advice = "Nothing to do: the item is fetched again."


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
    http_status, exit_code = 500, 74
    advice = (
        "Check the disk that holds the spool (dmesg shows its errors) or choose another folder; then resume the run."
    )


def of(error: OSError) -> MoverError:
    """The error the engine shows for a failed write or read of the spool's file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SpoolFull(f"the spool's disk is full: {error.strerror}")
    return SpoolFailed(f"the spool's disk failed: {error.strerror}")
