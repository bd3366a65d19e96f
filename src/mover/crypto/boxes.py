"""Sealing a message to somebody's public key: only the holder of the private key opens it.

RFC 9180 (HPKE), mode base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message for each box. Both public keys go
into the key schedule, so a box opens with the key it was sealed to and no other; `context` goes in as HPKE's info. The sender is
not authenticated by a box: what carries it must be signed.

The form, version 1: version (1 byte) | encapsulated key (32 bytes) | ciphertext and tag.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from mover.core.errors import Sealed

VERSION: Final = 1
KEY: Final = 32
"""Bytes of a public and of a private key."""

OVERHEAD: Final = 1 + 32 + 16
"""Bytes by which a box is longer than the message."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE: Final = b"mover/box/"


def new_box_key() -> tuple[bytes, bytes]:
    """A fresh key pair: the private key and the public key (RFC 7748, 32 bytes each)."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def public_of(private_key: bytes) -> bytes:
    """The public key that belongs to a private key. Raises `ValueError` if it is not 32 bytes long."""
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def seal_to(public_key: bytes, message: bytes, context: bytes) -> bytes:
    """A box with `message` for the holder of `public_key`'s private key, who must name the same `context` to open it.

    Raises:
        Sealed: `public_key` is none: not 32 bytes, or a point that gives everybody the same secret (RFC 7748 §6.1).
    """
    try:
        sealed = _SUITE.encrypt(message, X25519PublicKey.from_public_bytes(public_key), info=_bound(context))
    except ValueError as error:
        raise Sealed("a message cannot be sealed to what is no public key", advice=_ENROL) from error
    return bytes((VERSION,)) + sealed


def open_box(private_key: bytes, box: bytes, context: bytes) -> bytes:
    """The message inside.

    Raises:
        Sealed: it is for somebody else or for another context, of an unknown version, changed or cut.
    """
    if len(box) < OVERHEAD or box[0] != VERSION:
        raise Sealed("a sealed box is cut, or of a version that this Mover does not know", advice=_AGAIN)
    try:
        return _SUITE.decrypt(box[1:], X25519PrivateKey.from_private_bytes(private_key), info=_bound(context))
    except (InvalidTag, ValueError) as error:
        raise Sealed(
            "a sealed box cannot be opened: it is not for this key and place, or was changed", advice=_AGAIN
        ) from error


_ENROL: Final = "Enrol the runner again, so that it sends a key that is one."
_AGAIN: Final = "Ask for the work again; if that does not help, enrol the runner again."


def _bound(context: bytes) -> bytes:
    return _PURPOSE + bytes((VERSION,)) + context
