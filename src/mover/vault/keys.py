"""Where users' keys of the local vault lie: in a folder of their own.

A user's key rests wrapped by the global key; deleting its file shreds all that user's secrets, wherever copies of them are.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from mover.core.errors import Sealed
from mover.crypto.aead import KEY, new_key
from mover.vault.envelope import GlobalKey, Place, UserKey
from mover.vault.files import locked, private_folder, remove_private
from mover.vault.rings import Ring, load, store, with_new


class UserKeys:
    """Users' keys, one file for each in a folder of mode 0700, wrapped by the global key."""

    def __init__(self, folder: Path, global_key: GlobalKey) -> None:
        private_folder(folder)
        self._folder = folder
        self._global = global_key
        self._lock = folder / "lock"

    def current(self, owner: str) -> UserKey:
        """The owner's key to seal with; the first call makes it."""
        ring = load(self._file(owner)) or self._rotated(owner, only_first=True)
        return self._opened(owner, ring, int(ring.current))

    def version(self, owner: str, version: int) -> UserKey:
        """The owner's key of that version.

        Raises:
            Sealed: it was shredded, or never was.
        """
        ring = load(self._file(owner))
        if ring is None or str(version) not in ring.keys:
            raise Sealed("the key of a secret's owner is not there: it was shredded, or the secret is another's")
        return self._opened(owner, ring, version)

    def check(self, owner: str) -> int:
        """Open every key of the owner's; how many there are. Raises `Sealed`."""
        ring = load(self._file(owner))
        if ring is None:
            return 0
        for version in ring.keys:
            self._opened(owner, ring, int(version))
        return len(ring.keys)

    def rotate(self, owner: str) -> int:
        """Make a new current key for the owner; older ones still open. Answers its version."""
        return int(self._rotated(owner).current)

    def rewrap(self) -> None:
        """Wrap every user's keys by the current global key."""
        with locked(self._lock):
            for file in sorted(self._folder.glob("*.json")):
                if ring := load(file):
                    keys = {
                        v: self._wrapped(file.stem, v, self._unwrapped(file.stem, v, k)) for v, k in ring.keys.items()
                    }
                    store(file, Ring(ring.current, keys))

    def retire(self, owner: str) -> None:
        """Destroy all of the owner's keys but the current one."""
        with locked(self._lock):
            if ring := load(self._file(owner)):
                store(self._file(owner), ring.only_current())

    def shred(self, owner: str) -> None:
        """Destroy the owner's keys: nothing sealed for them opens ever again, in no copy."""
        with locked(self._lock):
            remove_private(self._file(owner))

    def _rotated(self, owner: str, *, only_first: bool = False) -> Ring:
        file = self._file(owner)
        with locked(self._lock):
            old = load(file)
            if old is not None and only_first:  # another process was quicker
                return old
            version = str(int(old.current) + 1 if old else 1)
            ring = with_new(old.keys if old else {}, version, self._wrapped(file.stem, version, new_key()))
            store(file, ring)
        return ring

    def _opened(self, owner: str, ring: Ring, version: int) -> UserKey:
        return UserKey(version, self._unwrapped(self._file(owner).stem, str(version), ring.keys[str(version)]))

    def _wrapped(self, name: str, version: str, key: bytes) -> bytes:
        key_id, wrapped = self._global.wrap(key, _user_key(name, version))
        return bytes((len(key_id),)) + key_id.encode("ascii") + wrapped

    def _unwrapped(self, name: str, version: str, stored: bytes) -> bytes:
        try:
            end = 1 + stored[0]
            key_id = stored[1:end].decode("ascii")
        except (IndexError, UnicodeDecodeError) as error:
            raise Sealed("a user's key file is damaged") from error
        key = self._global.unwrap(key_id, stored[end:], _user_key(name, version))
        if len(key) != KEY:
            raise Sealed("a user's key file is damaged")
        return key

    def _file(self, owner: str) -> Path:
        return self._folder / f"{hashlib.sha256(owner.encode('utf-8', 'surrogatepass')).hexdigest()}.json"


def _user_key(name: str, version: str) -> bytes:
    return Place("user-key", name, version).bound("user-key")
