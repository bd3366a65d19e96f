"""What can go wrong with the spool itself."""

from __future__ import annotations

import errno

from mover.core.errors import MoverError, SpoolFailed, SpoolFull, SpoolGone

__all__ = ["SpoolFailed", "SpoolFull", "SpoolGone", "of"]


def of(error: OSError) -> MoverError:
    """The error the engine shows for a failed write or read of the spool's file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SpoolFull(f"the spool's disk is full: {error.strerror}")
    return SpoolFailed(f"the spool's disk failed: {error.strerror}")
