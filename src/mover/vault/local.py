"""The vault of one user's machine: keys in private files, sealed secrets wherever the caller keeps them."""

from __future__ import annotations

from pathlib import Path

from mover.core.secret import Secret
from mover.vault.envelope import Envelope, Place, open_secret, rewrap_secret, seal_secret
from mover.vault.files import private_folder
from mover.vault.keys import UserKeys
from mover.vault.providers.file import FileGlobalKey


class LocalVault:
    """Seals secrets and opens them again, with keys in `folder`.

    The global key lies in `folder/global/key.json`, users' keys in `folder/users`: to keep them apart in earnest, put one of the two on
    another disk. What `seal` returns may be kept anywhere. Every process may use the vault at once; all files are replaced whole.
    """

    def __init__(self, folder: Path) -> None:
        """Open the vault in `folder`, which is made (mode 0700) if it is not there.

        Raises:
            BadOption: the folder is another user's, or others may use it.
        """
        private_folder(folder)
        private_folder(folder / "global")
        self._global = FileGlobalKey(folder / "global" / "key.json")
        self._users = UserKeys(folder / "users", self._global)

    def seal(self, secret: Secret, *, purpose: str, owner: str, record: str) -> bytes:
        """The sealed form of `secret`, which opens for this purpose, owner and record only.

        Raises:
            Sealed: the owner's key cannot be opened: key files do not belong together.
            BadOption: others may read a key file.
        """
        message = secret.reveal().encode("utf-8", "surrogatepass")
        return seal_secret(message, Place(purpose, owner, record), self._users.current(owner), self._global)

    def open(self, sealed: bytes, *, purpose: str, owner: str, record: str) -> Secret:
        """The secret inside.

        Raises:
            Sealed: it was changed, cut or moved here from another place, or a key of it is gone.
            BadOption: others may read a key file.
        """
        user = self._users.version(owner, Envelope.unpacked(sealed).user_version)
        message = open_secret(sealed, Place(purpose, owner, record), user, self._global)
        return Secret(message.decode("utf-8", "surrogatepass"))

    def check(self, owner: str) -> int:
        """Open every key of the owner's; how many there are.

        Raises:
            Sealed: one cannot be opened: it was changed, or its global key is gone.
            BadOption: others may read a key file.
        """
        return self._users.check(owner)

    def rewrap(self, sealed: bytes, *, purpose: str, owner: str, record: str) -> bytes:
        """The same secret under the current keys, after a rotation; the ciphertext inside is the same.

        Raises:
            Sealed, BadOption: as `open`.
        """
        old = self._users.version(owner, Envelope.unpacked(sealed).user_version)
        place = Place(purpose, owner, record)
        return rewrap_secret(sealed, place, old, self._users.current(owner), self._global)

    def rotate_global_key(self) -> None:
        """Make a new global key and wrap all users' keys by it. What was sealed still opens; `rewrap` it, then `retire`."""
        self._global.rotate()
        self._users.rewrap()

    def rotate_user_key(self, owner: str) -> None:
        """Make a new key for the owner. What was sealed still opens; `rewrap` it, then `retire_user_key`."""
        self._users.rotate(owner)

    def retire_global_keys(self) -> None:
        """Destroy all global keys but the current: what was not rewrapped can never be opened again."""
        self._users.rewrap()
        self._global.retire()

    def retire_user_keys(self, owner: str) -> None:
        """Destroy all of the owner's keys but the current: what was not rewrapped can never be opened again."""
        self._users.retire(owner)

    def shred(self, owner: str) -> None:
        """Destroy the owner's keys: nothing sealed for them opens ever again, in no backup of what was sealed."""
        self._users.shred(owner)
