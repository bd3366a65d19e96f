"""How a secret is sealed: under a key of its own, which is sealed by the user's key and then by the global key.

Both keys are needed to open it. Every layer is bound to the purpose, the owner, the record and the format's version, so a sealed
secret opens nowhere but in its own place. Rotation changes the layers around the data key and never the ciphertext.

The form, version 1: version (1 byte) | global key's id | user key's version (4 bytes) | wrapped data key | commitment (32 bytes) |
ciphertext; id and wrapped key are preceded by their lengths (1 and 2 bytes). All numbers are big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

from mover.core.errors import Sealed
from mover.crypto.aead import KEY, commitment, derive, new_key, open_sealed, same, seal

VERSION: Final = 1
_COMMITMENT: Final = 32
_PURPOSE: Final = b"mover/vault/user-wrap"


class GlobalKey(Protocol):
    """Whoever holds the global key: a file, a TPM, an HSM, a key service. The key itself need never leave it."""

    def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """Seal `message` under the current key, bound to `context`; the key's id and the sealed bytes."""
        ...

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Raises `Sealed` if the key is gone, the context another, or a bit was changed."""
        ...

    def rotate(self) -> str:
        """Make a new current key; older ones still unwrap. Answers its id."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs: what for, whose, and which record and field."""

    purpose: str
    owner: str
    record: str

    def bound(self, layer: str, *more: bytes) -> bytes:
        """The associated data of a layer; no two places give the same bytes."""
        parts = [layer.encode(), *(_bytes(p) for p in (self.purpose, self.owner, self.record)), *more]
        return bytes((VERSION,)) + b"".join(struct.pack(">I", len(p)) + p for p in parts)

    def outer(self) -> bytes:
        """The context by which the global key wraps what belongs here."""
        return self.bound("global")


@dataclass(frozen=True, slots=True)
class UserKey:
    """One version of a user's key."""

    version: int
    key: bytes

    def __repr__(self) -> str:
        return f"UserKey({self.version}, ***)"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed secret, taken apart."""

    key_id: str
    user_version: int
    wrapped: bytes
    commitment: bytes
    ciphertext: bytes

    def wrapped_as(self, key_id: str, wrapped: bytes) -> Self:
        """The same, wrapped by that global key."""
        return replace(self, key_id=key_id, wrapped=wrapped)

    def packed(self) -> bytes:
        """The form that is stored."""
        name = self.key_id.encode("ascii")
        head = struct.pack(">BB", VERSION, len(name)) + name + struct.pack(">IH", self.user_version, len(self.wrapped))
        return head + self.wrapped + self.commitment + self.ciphertext

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """Take the stored form apart.

        Raises:
            Sealed: it is cut, or of a version that we do not know.
        """
        if not data or data[0] != VERSION:
            raise Sealed("a sealed secret is of a version that this Mover does not know")
        try:
            name_end = 2 + data[1]
            key_id = data[2:name_end].decode("ascii")
            user_version, length = struct.unpack_from(">IH", data, name_end)
        except (IndexError, UnicodeDecodeError, struct.error) as error:
            raise Sealed("a sealed secret is damaged") from error
        start = name_end + 6
        wrapped_end = start + length
        ciphertext = wrapped_end + _COMMITMENT
        if len(data) < ciphertext:
            raise Sealed("a sealed secret is cut")
        return cls(key_id, user_version, data[start:wrapped_end], data[wrapped_end:ciphertext], data[ciphertext:])


def seal_secret(message: bytes, place: Place, user: UserKey, global_key: GlobalKey) -> bytes:
    """Seal `message` for `place`, in the stored form."""
    shell, inner = sealed_by_user(message, place, user)
    return shell.wrapped_as(*global_key.wrap(inner, place.outer())).packed()


def open_secret(data: bytes, place: Place, user: UserKey, global_key: GlobalKey) -> bytes:
    """The message inside.

    Raises:
        Sealed: a key is another one, the place is another one, or a bit was changed.
    """
    envelope = Envelope.unpacked(data)
    inner = global_key.unwrap(envelope.key_id, envelope.wrapped, place.outer())
    return opened_by_user(envelope, inner, place, user)


def rewrap_secret(data: bytes, place: Place, old: UserKey, new: UserKey, global_key: GlobalKey) -> bytes:
    """The same secret under another version of the user's key and the current global key; its ciphertext is untouched.

    Raises:
        Sealed: as `open_secret`.
    """
    envelope = Envelope.unpacked(data)
    inner = global_key.unwrap(envelope.key_id, envelope.wrapped, place.outer())
    shell, inner = rewrapped_by_user(envelope, inner, place, old, new)
    return shell.wrapped_as(*global_key.wrap(inner, place.outer())).packed()


def sealed_by_user(message: bytes, place: Place, user: UserKey) -> tuple[Envelope, bytes]:
    """All layers but the outermost: an envelope that is not wrapped yet, and what the global key must wrap (context: `outer`)."""
    key = new_key()
    ciphertext = seal(key, message, place.bound("secret"))
    shell = Envelope("", user.version, b"", commitment(key, place.bound("commitment")), ciphertext)
    return shell, _by_user(key, place, user)


def opened_by_user(envelope: Envelope, inner: bytes, place: Place, user: UserKey) -> bytes:
    """The message, `inner` being what the global key unwrapped. Raises `Sealed`, as `open_secret`."""
    return open_sealed(_data_key(envelope, inner, place, user), envelope.ciphertext, place.bound("secret"))


def rewrapped_by_user(
    envelope: Envelope, inner: bytes, place: Place, old: UserKey, new: UserKey
) -> tuple[Envelope, bytes]:
    """The same under another version of the user's key: as `sealed_by_user`, the ciphertext untouched. Raises `Sealed`."""
    key = _data_key(envelope, inner, place, old)
    return replace(envelope, user_version=new.version), _by_user(key, place, new)


def _by_user(key: bytes, place: Place, user: UserKey) -> bytes:
    return seal(derive(user.key, _PURPOSE), key, place.bound("user", _number(user.version)))


def _data_key(envelope: Envelope, inner: bytes, place: Place, user: UserKey) -> bytes:
    if envelope.user_version != user.version:
        raise Sealed("a sealed secret needs another version of its owner's key")
    key = open_sealed(derive(user.key, _PURPOSE), inner, place.bound("user", _number(user.version)))
    if len(key) != KEY or not same(commitment(key, place.bound("commitment")), envelope.commitment):
        raise Sealed("a sealed secret's key is not the one it was sealed with")
    return key


def _number(number: int) -> bytes:
    return struct.pack(">I", number)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
