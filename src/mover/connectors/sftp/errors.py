"""What a server's statuses mean in Mover's terms.

Source: draft-ietf-secsh-filexfer-02 §7 and -13 §9.1; for OpenSSH `errno_to_portable` in sftp-server.c: ENOENT, ENOTDIR, EBADF and
ELOOP become 2, EPERM and EACCES 3, ENAMETOOLONG and EINVAL 5, all others (a full disk too) 4.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from mover.connectors.sftp.packets import Code, Malformed, Status
from mover.core.errors import Conflict, Denied, Full, Locked, MoverError, NotFound, Refused, Unfit, Unreachable

TABLE: Final[Mapping[int, type[MoverError]]] = MappingProxyType(
    {
        Code.NO_SUCH_FILE: NotFound,
        Code.PERMISSION_DENIED: Denied,
        Code.FAILURE: Refused,
        Code.BAD_MESSAGE: Unfit,
        Code.NO_CONNECTION: Unreachable,
        Code.CONNECTION_LOST: Unreachable,
        Code.OP_UNSUPPORTED: Refused,
        Code.INVALID_HANDLE: Unreachable,
        Code.NO_SUCH_PATH: NotFound,
        Code.FILE_ALREADY_EXISTS: Conflict,
        Code.WRITE_PROTECT: Denied,
        Code.NO_MEDIA: Unreachable,
        Code.NO_SPACE_ON_FILESYSTEM: Full,
        Code.QUOTA_EXCEEDED: Full,
        Code.UNKNOWN_PRINCIPAL: Refused,
        Code.LOCK_CONFLICT: Locked,
        Code.DIR_NOT_EMPTY: Conflict,
        Code.NOT_A_DIRECTORY: NotFound,
        Code.INVALID_FILENAME: Unfit,
        Code.LINK_LOOP: NotFound,
    }
)

SPEAKING: Final[tuple[tuple[str, type[MoverError]], ...]] = (
    ("no space", Full),
    ("disk full", Full),
    ("quota", Full),
    ("not empty", Conflict),
    ("is a directory", Conflict),
    ("already exists", Conflict),
    ("file exists", Conflict),
    ("too long", Unfit),
    ("no such file", NotFound),
    ("permission denied", Denied),
    ("operation not permitted", Denied),
    ("read-only", Denied),
)
"""Words by which servers that know only FAILURE tell what happened (Go's and Python's, after strerror)."""


def error_for(status: Status, item: str) -> MoverError:
    """The error that a status stands for."""
    kind = TABLE.get(status.code, Refused)
    if status.code == Code.FAILURE:
        text = status.text.lower()
        kind = next((k for words, k in SPEAKING if words in text), kind)
    return kind(f"the server says: {status.text or 'no reason'} (SFTP status {status.code})", item=item)


@contextmanager
def translated(item: str) -> Generator[None]:
    """Statuses raised within become Mover's errors about `item`."""
    try:
        yield
    except Status as status:
        raise error_for(status, item) from status
    except Malformed as error:
        raise Unreachable(f"the server's answer makes no sense: {error}", item=item) from error
