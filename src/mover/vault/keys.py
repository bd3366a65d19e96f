"""Where the keys of the local vault lie: the global key in one file, users' keys in a folder of their own.

A user's key rests wrapped by the global key; deleting its file shreds all that user's secrets, wherever copies of them are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from mover.core.errors import Sealed
from mover.crypto.aead import KEY, derive, new_key, open_sealed, seal
from mover.vault.envelope import GlobalKey, Place, UserKey
from mover.vault.files import locked, private_folder, read_private, remove_private, write_private

_FORMAT: Final = 1
_PURPOSE: Final = b"mover/vault/global-wrap"


@dataclass(frozen=True, slots=True)
class _Ring:
    """Keys by id, and which of them is current; ids and values as they stand in a file."""

    current: str
    keys: Mapping[str, bytes]


class FileGlobalKey:
    """The global key in a file of mode 0600, refused if others may read it. Two processes may use it at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = file.with_name(f"{file.name}.lock")

    def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `GlobalKey`. The first call ever makes the key."""
        ring = _load(self._file) or self._made()
        return ring.current, seal(_wrapping(ring.keys[ring.current]), message, _bound(ring.current, context))

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `GlobalKey`."""
        ring = _load(self._file)
        if ring is None or key_id not in ring.keys:
            raise Sealed(f"the global key {key_id!r} is not in {self._file}")
        return open_sealed(_wrapping(ring.keys[key_id]), wrapped, _bound(key_id, context))

    def rotate(self) -> str:
        """See `GlobalKey`."""
        with locked(self._lock):
            old = _load(self._file)
            ring = _with_new(old.keys if old else {}, f"g-{secrets.token_hex(8)}", new_key())
            _store(self._file, ring)
        return ring.current

    def retire(self) -> None:
        """Destroy all keys but the current one: what was not wrapped anew can never be opened again."""
        with locked(self._lock):
            ring = _load(self._file)
            if ring is not None:
                _store(self._file, _Ring(ring.current, {ring.current: ring.keys[ring.current]}))

    def _made(self) -> _Ring:
        with locked(self._lock):
            ring = _load(self._file)  # another process may have been quicker
            if ring is None:
                ring = _with_new({}, f"g-{secrets.token_hex(8)}", new_key())
                _store(self._file, ring)
        return ring


class UserKeys:
    """Users' keys, one file for each in a folder of mode 0700, wrapped by the global key."""

    def __init__(self, folder: Path, global_key: GlobalKey) -> None:
        private_folder(folder)
        self._folder = folder
        self._global = global_key
        self._lock = folder / "lock"

    def current(self, owner: str) -> UserKey:
        """The owner's key to seal with; the first call makes it."""
        ring = _load(self._file(owner)) or self._rotated(owner, only_first=True)
        return self._opened(owner, ring, int(ring.current))

    def version(self, owner: str, version: int) -> UserKey:
        """The owner's key of that version.

        Raises:
            Sealed: it was shredded, or never was.
        """
        ring = _load(self._file(owner))
        if ring is None or str(version) not in ring.keys:
            raise Sealed("the key of a secret's owner is not there: it was shredded, or the secret is another's")
        return self._opened(owner, ring, version)

    def check(self, owner: str) -> int:
        """Open every key of the owner's; how many there are. Raises `Sealed`."""
        ring = _load(self._file(owner))
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
                if ring := _load(file):
                    keys = {
                        v: self._wrapped(file.stem, v, self._unwrapped(file.stem, v, k)) for v, k in ring.keys.items()
                    }
                    _store(file, _Ring(ring.current, keys))

    def retire(self, owner: str) -> None:
        """Destroy all of the owner's keys but the current one."""
        with locked(self._lock):
            if ring := _load(self._file(owner)):
                _store(self._file(owner), _Ring(ring.current, {ring.current: ring.keys[ring.current]}))

    def shred(self, owner: str) -> None:
        """Destroy the owner's keys: nothing sealed for them opens ever again, in no copy."""
        with locked(self._lock):
            remove_private(self._file(owner))

    def _rotated(self, owner: str, *, only_first: bool = False) -> _Ring:
        file = self._file(owner)
        with locked(self._lock):
            old = _load(file)
            if old is not None and only_first:  # another process was quicker
                return old
            version = str(int(old.current) + 1 if old else 1)
            ring = _with_new(old.keys if old else {}, version, self._wrapped(file.stem, version, new_key()))
            _store(file, ring)
        return ring

    def _opened(self, owner: str, ring: _Ring, version: int) -> UserKey:
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


def _wrapping(key: bytes) -> bytes:
    return derive(key, _PURPOSE)


def _bound(key_id: str, context: bytes) -> bytes:
    return bytes((len(key_id),)) + key_id.encode("ascii") + context


def _with_new(keys: Mapping[str, bytes], name: str, key: bytes) -> _Ring:
    return _Ring(name, {**keys, name: key})


def _load(file: Path) -> _Ring | None:
    data = read_private(file)
    if data is None:
        return None
    try:
        found = cast("Mapping[str, object]", json.loads(data))
        keys = cast("Mapping[str, str]", found["keys"])
        ring = _Ring(str(found["current"]), {k: base64.b64decode(v, validate=True) for k, v in keys.items()})
        if found["format"] != _FORMAT or ring.current not in ring.keys:
            raise Sealed(f"the key file {file} is damaged, or of a format that this Mover does not know")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Sealed(f"the key file {file} is damaged") from error
    return ring


def _store(file: Path, ring: _Ring) -> None:
    keys = {name: base64.b64encode(key).decode() for name, key in ring.keys.items()}
    write_private(file, json.dumps({"format": _FORMAT, "current": ring.current, "keys": keys}).encode())
