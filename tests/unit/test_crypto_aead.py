"""AES-256-GCM and HKDF: NIST's and RFC 5869's own vectors, and what must not open."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from mover.core.errors import Sealed
from mover.crypto.aead import NONCE, OVERHEAD, TAG, commitment, derive, new_key, open_sealed, seal


def test_nist_says_what_opens_and_what_does_not() -> None:
    """NIST CAVP gcmDecrypt256: every case with a nonce and a tag of the sizes we use."""
    opened = refused = 0
    for case in _nist("gcmDecrypt256.rsp"):
        if len(case["IV"]) != 2 * NONCE or len(case["Tag"]) != 2 * TAG:
            continue
        sealed = bytes.fromhex(case["IV"] + case["CT"] + case["Tag"])
        key, context = bytes.fromhex(case["Key"]), bytes.fromhex(case["AAD"])
        if "PT" in case:
            assert open_sealed(key, sealed, context) == bytes.fromhex(case["PT"])
            opened += 1
        else:
            with pytest.raises(Sealed):
                open_sealed(key, sealed, context)
            refused += 1
    assert opened > 100
    assert refused > 100


RFC5869: list[tuple[str, str | None, str, int, str]] = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        "0b" * 22,
        None,
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("key", "salt", "info", "length", "made"), RFC5869)
def test_hkdf_makes_the_keys_of_rfc_5869(key: str, salt: str | None, info: str, length: int, made: str) -> None:
    salted = None if salt is None else bytes.fromhex(salt)
    assert derive(bytes.fromhex(key), bytes.fromhex(info), salted, length).hex() == made


def test_what_was_sealed_opens_only_with_its_key_and_context() -> None:
    key = new_key()
    sealed = seal(key, b"a message", b"here")
    assert open_sealed(key, sealed, b"here") == b"a message"
    assert len(sealed) == len(b"a message") + OVERHEAD
    with pytest.raises(Sealed):
        open_sealed(new_key(), sealed, b"here")
    with pytest.raises(Sealed):
        open_sealed(key, sealed, b"there")


@given(st.binary(max_size=100), st.data())
@settings(deadline=None)
def test_one_changed_bit_is_seen(message: bytes, data: st.DataObject) -> None:
    key = new_key()
    sealed = bytearray(seal(key, message, b"here"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Sealed):
        open_sealed(key, bytes(sealed), b"here")


@given(st.binary(max_size=100), st.data())
@settings(deadline=None)
def test_a_cut_is_seen(message: bytes, data: st.DataObject) -> None:
    key = new_key()
    sealed = seal(key, message, b"here")
    with pytest.raises(Sealed):
        open_sealed(key, sealed[: data.draw(st.integers(0, len(sealed) - 1))], b"here")


def test_no_two_seals_are_alike() -> None:
    key = new_key()
    assert len({seal(key, b"same", b"") for _ in range(1000)}) == 1000


def test_a_commitment_tells_keys_and_contexts_apart() -> None:
    one, other = os.urandom(32), os.urandom(32)
    assert len({commitment(k, c) for k in (one, other) for c in (b"a", b"b")}) == 4
    assert commitment(one, b"a") == commitment(one, b"a")


def test_the_control_that_the_oracle_itself_refuses() -> None:
    with pytest.raises(InvalidTag):
        AESGCM(bytes(32)).decrypt(bytes(12), bytes(16), None)


def _nist(name: str) -> Iterator[dict[str, str]]:
    with cryptography_vectors.open_vector_file(f"ciphers/AES/GCM/{name}", "r") as file:
        case: dict[str, str] = {}
        for line in file:
            word, _, value = line.strip().partition("=")
            if word.strip() == "Count" and case:
                yield case
                case = {}
            if word.strip() in ("Key", "IV", "CT", "AAD", "Tag", "PT"):
                case[word.strip()] = value.strip()
        yield case
