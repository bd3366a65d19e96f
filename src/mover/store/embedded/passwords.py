"""The passwords of the database's roles: made by us, kept in one private file, known to nobody else."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from mover.core.errors import RecordDamaged

_BYTES: Final = 32


def made(roles: Iterable[str]) -> dict[str, str]:
    """A fresh password (256 bits) for each role."""
    return {role: secrets.token_urlsafe(_BYTES) for role in roles}


def stored(file: Path, passwords: Mapping[str, str]) -> None:
    """Replace the file (mode 0600), on the disk when this returns: a crash leaves the old one or the new one."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(dict(passwords), opened)
        opened.flush()
        os.fsync(descriptor)
    temporary.replace(file)
    settled(file.parent)


def loaded(file: Path) -> dict[str, str] | None:
    """One password a role; `None` if there is no file.

    Raises:
        RecordDamaged: it holds something else, or others may read it.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise damaged(file, f"cannot be read ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise damaged(file, "can be read by others, or belongs to another user")
        text = opened.read()
    return _checked(file, text)


def damaged(file: Path, why: str) -> RecordDamaged:
    """The error for a file of passwords that cannot be used. Never holds what is in it."""
    return RecordDamaged(
        f"the database's passwords in {file}: the file {why}",
        advice="Restore it from a backup; or remove it: Mover then sets new passwords, and all data stays.",
    )


def settled(folder: Path) -> None:
    """What was renamed in the folder stays so, whatever happens to the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(file: Path, text: bytes) -> dict[str, str]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        raise damaged(file, "is cut or changed") from None
    if not isinstance(found, dict):
        raise damaged(file, "is cut or changed")
    known = cast("dict[Any, Any]", found)
    if not all(isinstance(k, str) and isinstance(v, str) and v for k, v in known.items()):
        raise damaged(file, "is cut or changed")
    return cast("dict[str, str]", known)
