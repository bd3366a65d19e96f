"""Ed25519: who signed, and whether it still says what was signed. Used by the audit log's checkpoints and by the runner's requests.

Keys and signatures travel in the raw encodings of the RFC: 32 bytes of seed, 32 bytes of public key, 64 bytes of signature.

Source: RFC 8032 §5.1 (pure Ed25519). A public key for which anybody's signature holds (a point of small order) is none:
libsodium's `crypto_core_ed25519_is_valid_point` says so.
"""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nacl.bindings import crypto_core_ed25519_is_valid_point

from mover.core.errors import BadOption, Sealed

KEY: Final = 32
"""Bytes of a key, public or private."""

SIGNATURE: Final = 64
"""Bytes of a signature."""


class VerifyKey:
    """The public half: it may be shown to anybody, compared and used as a key of a table."""

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes) -> None:
        """Take the 32 bytes of RFC 8032's encoding.

        Raises:
            BadOption: they are no public key, or one of the few for which a signature says nothing (points of small order).
        """
        if len(raw) != KEY or not crypto_core_ed25519_is_valid_point(raw):
            raise BadOption(
                "that is no Ed25519 public key", advice="Give the 32 bytes that belong to the signer's key."
            )
        self.raw: Final = raw
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if the owner of this key signed exactly `message`.

        Raises:
            Sealed: somebody else did, or the message or the signature was changed.
        """
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise Sealed("a signature does not hold: another key, or what was signed has been changed") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"VerifyKey({self.raw.hex()})"


class SigningKey:
    """The private half. It cannot be printed, compared or pickled; `reveal` is the one way to its bytes."""

    __slots__ = ("_key", "public")

    def __init__(self, raw: bytes) -> None:
        """Take the 32 bytes of the seed.

        Raises:
            BadOption: they are not 32.
        """
        if len(raw) != KEY:
            raise BadOption(f"an Ed25519 signing key has {KEY} bytes, not {len(raw)}")
        self._key = Ed25519PrivateKey.from_private_bytes(raw)
        self.public: Final = VerifyKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def new(cls) -> Self:
        """A fresh key from the system's generator."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature; the same message always gives the same ones."""
        return self._key.sign(message)

    def reveal(self) -> bytes:
        """The 32 secret bytes, for whoever seals and keeps them."""
        return self._key.private_bytes_raw()

    def matches(self, other: SigningKey) -> bool:
        """Whether both are the same key, compared in constant time."""
        return hmac.compare_digest(self.reveal(), other.reveal())

    def __repr__(self) -> str:
        return f"SigningKey(*** of {self.public.raw.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is never pickled")
