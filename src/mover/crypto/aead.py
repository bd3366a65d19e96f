"""AES-256-GCM for single, short messages: keys, secrets, records.

Source: NIST SP 800-38D. Nonces are random and 96 bits long, which is safe for 2^32 messages under one key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mover.core.errors import Sealed

KEY: Final = 32
"""Bytes in a key."""

NONCE: Final = 12
TAG: Final = 16
OVERHEAD: Final = NONCE + TAG
"""Bytes by which a sealed message is longer than the message."""


def new_key() -> bytes:
    """A fresh 256-bit key from the system's generator."""
    return os.urandom(KEY)


def seal(key: bytes, message: bytes, context: bytes) -> bytes:
    """Encrypt `message`: a random nonce, the ciphertext, the tag. Whoever opens it must name the same `context`."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, message, context)


def open_sealed(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The message inside.

    Raises:
        Sealed: not one bit of it can be trusted: other key, other context, changed or cut.
    """
    if len(sealed) < OVERHEAD:
        raise Sealed("a sealed message is too short to be one")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], context)
    except InvalidTag as error:
        raise Sealed("a sealed message cannot be opened: another key, another place, or it was changed") from error


def derive(key: bytes, purpose: bytes, salt: bytes | None = None, length: int = KEY) -> bytes:
    """A key for one purpose from another key: HKDF-SHA256 (RFC 5869), `purpose` as its info. `length` is in bytes."""
    if length > hashlib.sha256().digest_size:
        return HKDF(hashes.SHA256(), length, salt, purpose).derive(key)
    extracted = hmac.digest(salt or bytes(32), key, hashlib.sha256)
    # one block of output is HMAC(extracted, info | 0x01); as small files pass by the thousand, the general form would cost them dearly
    return hmac.digest(extracted, purpose + b"\x01", hashlib.sha256)[:length]


def commitment(key: bytes, context: bytes) -> bytes:
    """32 bytes that only this key can have made: GCM alone lets one ciphertext open under two keys."""
    return hmac.digest(derive(key, b"mover/commitment"), context, hashlib.sha256)


def same(one: bytes, other: bytes) -> bool:
    """Whether both are equal, compared in constant time."""
    return hmac.compare_digest(one, other)
