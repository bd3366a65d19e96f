"""The global key as credentials that systemd hands to the service: sealed on the disk to the machine's TPM, open in memory only.

Sources: systemd.exec(5) LoadCredentialEncrypted=, systemd-creds(1). Each version of the key is a credential of its own, named
`NAME.1`, `NAME.2`, ...; the highest is current.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from mover.core.errors import BadOption, Sealed
from mover.crypto.aead import KEY
from mover.vault.providers.base import fits, may_be_wrapped
from mover.vault.rings import Ring, unwrapped_by, wrapped_by

NAME: Final = "mover-global-key"
"""What the credentials are called unless told otherwise."""

_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")


class CredentialsGlobalKey:
    """The global key from a folder of credentials, which this service can read and not write. It is read anew each time.

    `folder` is what systemd names in CREDENTIALS_DIRECTORY. A credential holds 32 bytes, or 64 hexadecimal digits.
    """

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self._folder = folder
        self._name = name

    def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `GlobalKey`.

        Raises:
            BadOption: there is no credential, or one is no key, or others may read it.
        """
        fits(message)
        newest = self._newest()
        key_id = f"{self._name}.{newest}"
        return wrapped_by(Ring(key_id, {key_id: self._key(key_id)}), message, context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `GlobalKey`."""
        may_be_wrapped(wrapped)
        version = key_id.removeprefix(f"{self._name}.")
        if version == key_id or not _VERSION.fullmatch(version) or not (self._folder / key_id).exists():
            raise Sealed(
                f"the global key {key_id!r} is not among this service's credentials", advice=self._restore(key_id)
            )
        return unwrapped_by(Ring(key_id, {key_id: self._key(key_id)}), key_id, wrapped, context)

    def rotate(self) -> str:
        """See `GlobalKey`. Only the machine's administrator can add a credential: this always raises `BadOption`, which says how."""
        new = f"{self._name}.{self._newest() + 1}"
        raise BadOption(
            "the global key lies in systemd's credentials, which a service cannot write",
            item="vault",
            advice=(
                f"As root: `head -c 32 /dev/urandom | systemd-creds encrypt --name={new} - /etc/credstore.encrypted/{new}`, "
                f"add `LoadCredentialEncrypted={new}` to the unit beside the older ones, and restart it."
            ),
        )

    def _newest(self) -> int:
        try:
            names = [path.name for path in self._folder.iterdir()]
        except OSError as error:
            raise BadOption(
                f"the folder of credentials {self._folder} cannot be read: {error.strerror}", item="vault", advice=_UNIT
            ) from error
        found = [name.removeprefix(f"{self._name}.") for name in names if name.startswith(f"{self._name}.")]
        versions = [int(version) for version in found if _VERSION.fullmatch(version)]
        if not versions:
            raise BadOption(f"{self._folder} has no credential {self._name}.1", item="vault", advice=_UNIT)
        return max(versions)

    def _key(self, key_id: str) -> bytes:
        data = _read(self._folder / key_id)
        if len(data) == KEY:
            return data
        try:
            key = bytes.fromhex(data.decode("ascii"))
        except ValueError:
            key = b""
        if len(key) != KEY:
            raise BadOption(
                f"the credential {key_id} is no key of {KEY} bytes", item="vault", advice=self._restore(key_id)
            )
        return key

    def _restore(self, key_id: str) -> str:
        return (
            f"Load the credential {key_id} again (LoadCredentialEncrypted={key_id}), from a backup if it was removed."
        )


_UNIT: Final = f"Add LoadCredentialEncrypted={NAME}.1 to the service's unit; docs/keys.md says how to make it."
_LONGEST: Final = 4096


def _read(file: Path) -> bytes:
    """A credential's bytes. systemd gives it to us by owner or by an access list, so that its group bits may be set for reading."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise BadOption(
            f"the credential {file} cannot be read: {error.strerror}", item="vault", advice=_UNIT
        ) from error
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadOption(f"the credential {file} is no plain file", item="vault", advice=_UNIT)
        if found.st_mode & (stat.S_IRWXO | stat.S_IWGRP) or found.st_uid not in (0, os.geteuid()):
            raise BadOption(f"others may read or change the credential {file}", item="vault", advice=_UNIT)
        return opened.read(_LONGEST)
