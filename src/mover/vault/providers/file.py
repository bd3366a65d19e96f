"""The global key in a private file."""

from __future__ import annotations

import secrets
from pathlib import Path

from mover.core.errors import Sealed
from mover.crypto.aead import new_key
from mover.vault.files import locked
from mover.vault.providers.base import fits, may_be_wrapped
from mover.vault.rings import Ring, load, store, unwrapped_by, with_new, wrapped_by


class FileGlobalKey:
    """The global key in a file of mode 0600, refused if others may read it. Two processes may use it at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = file.with_name(f"{file.name}.lock")

    def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `GlobalKey`. The first call ever makes the key."""
        fits(message)
        return wrapped_by(load(self._file) or self._made(), message, context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `GlobalKey`."""
        may_be_wrapped(wrapped)
        ring = load(self._file)
        if ring is None or key_id not in ring.keys:
            raise Sealed(f"the global key {key_id!r} is not in {self._file}")
        return unwrapped_by(ring, key_id, wrapped, context)

    def rotate(self) -> str:
        """See `GlobalKey`."""
        with locked(self._lock):
            old = load(self._file)
            ring = _grown(old)
            store(self._file, ring)
        return ring.current

    def retire(self) -> None:
        """Destroy all keys but the current one: what was not wrapped anew can never be opened again."""
        with locked(self._lock):
            if ring := load(self._file):
                store(self._file, ring.only_current())

    def _made(self) -> Ring:
        with locked(self._lock):
            ring = load(self._file)  # another process may have been quicker
            if ring is None:
                ring = _grown(None)
                store(self._file, ring)
        return ring


def _grown(old: Ring | None) -> Ring:
    return with_new(old.keys if old else {}, f"g-{secrets.token_hex(8)}", new_key())
