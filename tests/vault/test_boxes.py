"""Boxes for a public key: RFC 9180's vectors, and that only the right key and context open them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from mover.core.errors import Sealed
from mover.crypto import boxes
from mover.crypto.boxes import OVERHEAD, new_box_key, open_box, public_of, seal_to

PRIVATE, PUBLIC = new_box_key()
CONTEXT = b"lease 7 of runner r-1"
MESSAGE = b"correct horse"


def vectors(mode: int = 0) -> Iterator[dict[str, Any]]:
    """Base mode, X25519, HKDF-SHA256, AES-256-GCM: the suite of our boxes."""
    file = Path(cryptography_vectors.__file__).parent / "HPKE" / "test-vectors.json"
    for vector in json.loads(file.read_text()):
        if (vector["mode"], vector["kem_id"], vector["kdf_id"], vector["aead_id"]) == (mode, 0x20, 1, 2):
            yield {name: bytes.fromhex(value) if isinstance(value, str) else value for name, value in vector.items()}


def test_what_rfc_9180_sealed_opens() -> None:
    """The vectors seal with associated data, which our boxes have none of: their key and nonce seal the same anew, without."""
    found = list(vectors())
    assert len(found) == 1
    for vector in found:
        first = {name: bytes.fromhex(value) for name, value in vector["encryptions"][0].items()}
        assert AESGCM(vector["key"]).encrypt(first["nonce"], first["pt"], first["aad"]) == first["ct"], "the control"
        box = vector["enc"] + AESGCM(vector["key"]).encrypt(vector["base_nonce"], first["pt"], b"")
        private = X25519PrivateKey.from_private_bytes(vector["skRm"])
        assert boxes._SUITE.decrypt(box, private, info=vector["info"]) == first["pt"]
        assert public_of(vector["skRm"]) == vector["pkRm"]


def test_a_box_is_what_rfc_9180_says_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the vector's info in place of ours, `open_box` opens the vector: nothing else is mixed in."""
    (vector,) = vectors()
    monkeypatch.setattr(boxes, "_bound", lambda context: context)
    sealed = AESGCM(vector["key"]).encrypt(vector["base_nonce"], MESSAGE, b"")
    assert open_box(vector["skRm"], b"\x01" + vector["enc"] + sealed, vector["info"]) == MESSAGE


@given(st.binary(max_size=300), st.binary(max_size=100))
@settings(deadline=None)
def test_only_the_key_and_the_context_open_it(message: bytes, context: bytes) -> None:
    box = seal_to(PUBLIC, message, context)
    assert len(box) == len(message) + OVERHEAD
    assert open_box(PRIVATE, box, context) == message
    with pytest.raises(Sealed):
        open_box(PRIVATE, box, context + b"\0")
    with pytest.raises(Sealed):
        open_box(new_box_key()[0], box, context)


def test_every_changed_bit_and_every_cut_is_refused() -> None:
    """Also the highest bit of the encapsulated key, which X25519 itself ignores (RFC 7748 §5)."""
    box = seal_to(PUBLIC, MESSAGE, CONTEXT)
    for bit in range(len(box) * 8):
        changed = bytearray(box)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Sealed):
            open_box(PRIVATE, bytes(changed), CONTEXT)
    for length in range(len(box)):
        with pytest.raises(Sealed):
            open_box(PRIVATE, box[:length], CONTEXT)
    with pytest.raises(Sealed):
        open_box(PRIVATE, box + b"\0", CONTEXT)


def test_a_box_for_another_is_not_passed_off_by_its_parts() -> None:
    other_private, other_public = new_box_key()
    ours, theirs = seal_to(PUBLIC, MESSAGE, CONTEXT), seal_to(other_public, MESSAGE, CONTEXT)
    with pytest.raises(Sealed):
        open_box(PRIVATE, ours[:33] + theirs[33:], CONTEXT)
    with pytest.raises(Sealed):
        open_box(other_private, ours, CONTEXT)
    assert open_box(other_private, theirs, CONTEXT) == MESSAGE


def test_equal_messages_make_different_boxes() -> None:
    assert len({seal_to(PUBLIC, MESSAGE, CONTEXT) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"\0" * 31,
        b"\1" * 33,
        bytes(32),  # points of low order: everybody would have the same secret
        bytes((1, *bytes(31))),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ],
)
def test_what_is_no_public_key_is_refused(key: bytes) -> None:
    with pytest.raises(Sealed):
        seal_to(key, MESSAGE, CONTEXT)
    if len(key) == 32:
        with pytest.raises(Sealed):
            open_box(PRIVATE, b"\x01" + key + bytes(40), CONTEXT)


def test_rubbish_for_a_private_key_is_refused() -> None:
    with pytest.raises(Sealed):
        open_box(b"short", seal_to(PUBLIC, MESSAGE, CONTEXT), CONTEXT)
