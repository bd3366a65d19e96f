"""Files that hold several keys, of which one is current; and wrapping by a key that this process holds."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from mover.core.errors import Sealed
from mover.crypto.aead import derive, open_sealed, seal
from mover.vault.files import read_private, write_private

_FORMAT: Final = 1
_PURPOSE: Final = b"mover/vault/global-wrap"


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys by id, and which of them is current; ids and values as they stand in a file."""

    current: str
    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Ring({self.current!r}, {len(self.keys)} keys)"

    def only_current(self) -> Ring:
        """The same without its older keys."""
        return Ring(self.current, {self.current: self.keys[self.current]})


def load(file: Path) -> Ring | None:
    """The ring in a private file; `None` if there is no file.

    Raises:
        Sealed: the file is damaged, or of a later format.
        BadOption: others may read it.
    """
    data = read_private(file)
    if data is None:
        return None
    try:
        found = cast("Mapping[str, object]", json.loads(data))
        keys = cast("Mapping[str, str]", found["keys"])
        ring = Ring(str(found["current"]), {k: base64.b64decode(v, validate=True) for k, v in keys.items()})
        if found["format"] != _FORMAT or ring.current not in ring.keys:
            raise Sealed(f"the key file {file} is damaged, or of a format that this Mover does not know")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Sealed(f"the key file {file} is damaged") from error
    return ring


def store(file: Path, ring: Ring) -> None:
    """Replace the file by the ring, on the disk when this returns."""
    keys = {name: base64.b64encode(key).decode() for name, key in ring.keys.items()}
    write_private(file, json.dumps({"format": _FORMAT, "current": ring.current, "keys": keys}).encode())


def with_new(keys: Mapping[str, bytes], name: str, key: bytes) -> Ring:
    """The keys and a new one, which is current."""
    return Ring(name, {**keys, name: key})


def wrapped_by(ring: Ring, message: bytes, context: bytes) -> tuple[str, bytes]:
    """`message` under the ring's current key, bound to the key's id and `context`."""
    key_id = ring.current
    return key_id, seal(derive(ring.keys[key_id], _PURPOSE), message, _bound(key_id, context))


def unwrapped_by(ring: Ring, key_id: str, wrapped: bytes, context: bytes) -> bytes:
    """The message inside. Raises `Sealed`; `key_id` must be in the ring."""
    return open_sealed(derive(ring.keys[key_id], _PURPOSE), wrapped, _bound(key_id, context))


def _bound(key_id: str, context: bytes) -> bytes:
    return bytes((len(key_id),)) + key_id.encode("ascii") + context
