"""What the operating system's refusals mean."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from mover.core.errors import Conflict, Denied, Full, Locked, MoverError, NotFound, Refused, Unfit, Unreachable

MEANING: Final[Mapping[int, type[MoverError]]] = {
    errno.ENOENT: NotFound,
    errno.ESTALE: NotFound,
    errno.EACCES: Denied,
    errno.EPERM: Denied,
    errno.EROFS: Denied,
    errno.ENOSPC: Full,
    errno.EDQUOT: Full,
    errno.ENAMETOOLONG: Unfit,
    errno.EILSEQ: Unfit,
    errno.EINVAL: Unfit,  # how FAT and NTFS refuse a name
    errno.EFBIG: Unfit,
    errno.EISDIR: Conflict,
    errno.ENOTDIR: Conflict,
    errno.EEXIST: Conflict,
    errno.ENOTEMPTY: Conflict,
    errno.ELOOP: Conflict,  # a link where a file or folder was: links are never followed
    errno.ENXIO: Conflict,
    errno.EBUSY: Locked,
    errno.ETXTBSY: Locked,
    errno.EAGAIN: Locked,
    errno.EIO: Refused,
    errno.EXDEV: Refused,
    errno.EMFILE: Unreachable,
    errno.ENFILE: Unreachable,
    errno.ETIMEDOUT: Unreachable,
    errno.ENOTCONN: Unreachable,
    errno.EHOSTDOWN: Unreachable,
    errno.EHOSTUNREACH: Unreachable,
    errno.ESHUTDOWN: Unreachable,
}
"""By errno, as Linux' manual pages describe them (errno(3), open(2), rename(2)); whatever else comes is `Refused`."""


def meaning(error: OSError, item: str) -> MoverError:
    """The error of Mover that an error of the operating system stands for."""
    kind = MEANING.get(error.errno or 0, Refused)
    return kind(os.strerror(error.errno) if error.errno else str(error), item=item)


@contextmanager
def speaking_of(item: str) -> Generator[None]:
    """Raise what the block's `OSError` means, for `item`."""
    try:
        yield
    except OSError as error:
        raise meaning(error, item) from error
