"""Ed25519: the vectors of RFC 8032's authors, and keys and signatures that must not count."""

from __future__ import annotations

import pickle

import cryptography_vectors
import pytest

from mover.core.errors import BadOption, Sealed
from mover.crypto.signatures import KEY, SIGNATURE, SigningKey, VerifyKey

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group: a second number S + ORDER would be a second signature for the same message (RFC 8032 §5.1.7)."""


def test_the_authors_vectors() -> None:
    """`sign.input` from ed25519.cr.yp.to: seed and public key, public key, message, signature and message."""
    count = 0
    with cryptography_vectors.open_vector_file("asymmetric/Ed25519/sign.input", "r") as file:
        for line in file:
            secret, public, message, signed = (bytes.fromhex(part) for part in line.strip().split(":")[:4])
            key = SigningKey(secret[:KEY])
            assert key.public.raw == public
            assert key.sign(message) == signed[:SIGNATURE]
            key.public.verify(signed[:SIGNATURE], message)
            changed = bytes([signed[0] ^ 1]) + signed[1:SIGNATURE]
            for signature, text in ((changed, message), (signed[:SIGNATURE], message + b"x")):
                with pytest.raises(Sealed):
                    key.public.verify(signature, text)
            count += 1
    assert count == 1024


def test_a_second_form_of_a_signature_does_not_count() -> None:
    key = SigningKey.new()
    signature = key.sign(b"x")
    number = int.from_bytes(signature[32:], "little") + ORDER
    with pytest.raises(Sealed):
        key.public.verify(signature[:32] + number.to_bytes(32, "little"), b"x")


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_has_64_bytes(length: int) -> None:
    with pytest.raises(Sealed):
        SigningKey.new().public.verify(bytes(length), b"x")


WEAK = {
    "neutral": "0100000000000000000000000000000000000000000000000000000000000000",
    "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "order 4": "0000000000000000000000000000000000000000000000000000000000000000",
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "no point": "0200000000000000000000000000000000000000000000000000000000000000",
    "not canonical": "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "short": "00",
}


@pytest.mark.parametrize("what", WEAK)
def test_public_keys_that_are_none(what: str) -> None:
    """Of small order: for such a key anybody can make a signature (https://eprint.iacr.org/2020/1244, table 6)."""
    with pytest.raises(BadOption, match="no Ed25519 public key"):
        VerifyKey(bytes.fromhex(WEAK[what]))


def test_a_signing_key_keeps_to_itself() -> None:
    key = SigningKey.new()
    assert SigningKey(key.reveal()).matches(key)
    assert not SigningKey.new().matches(key)
    assert key.reveal().hex() not in f"{key!r} {key!s} {key.public!r}"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(key)
    with pytest.raises(BadOption):
        SigningKey(b"x")
    assert len({key.public, VerifyKey(key.public.raw)}) == 1
    assert key.public != SigningKey.new().public
