"""Digests of bytes, computed apart from the code that is checked."""

from __future__ import annotations

import hashlib
from typing import Final

from awscrt import checksums

from mover.core.model import Algorithm

_DROPBOX_BLOCK: Final = 4 * 1024 * 1024
_QUICKXOR_BITS: Final = 160


def digest_of(algorithm: Algorithm, data: bytes) -> bytes | None:
    """The digest of the bytes; `None` for algorithms that need to know more than the bytes."""
    if algorithm in ("md5", "sha1", "sha256", "sha512"):
        return hashlib.new(algorithm, data, usedforsecurity=False).digest()
    if algorithm == "crc32c":
        return checksums.crc32c(data).to_bytes(4, "big")
    if algorithm == "crc64nvme":
        return checksums.crc64nvme(data).to_bytes(8, "big")
    if algorithm == "dropbox":
        return _dropbox(data)
    if algorithm == "quickxor":
        return _quickxor(data)
    return None


def _dropbox(data: bytes) -> bytes:
    """SHA-256 of the SHA-256 of each block: https://www.dropbox.com/developers/reference/content-hash ."""
    blocks = range(0, len(data), _DROPBOX_BLOCK)
    return hashlib.sha256(b"".join(hashlib.sha256(data[b : b + _DROPBOX_BLOCK]).digest() for b in blocks)).digest()


def _quickxor(data: bytes) -> bytes:
    """Each byte is XORed in 11 bits further on, in a circle of 160 bits; then the length, in the last 8 bytes.

    https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash
    """
    mask = (1 << _QUICKXOR_BITS) - 1
    value = 0
    # The circle closes after 160 bytes: bytes that far apart meet at one place and can be folded first.
    for at in range(min(len(data), _QUICKXOR_BITS)):
        folded = 0
        for byte in data[at::_QUICKXOR_BITS]:
            folded ^= byte
        shift = at * 11 % _QUICKXOR_BITS
        value ^= ((folded << shift) | (folded << shift >> _QUICKXOR_BITS)) & mask
    raw = bytearray(value.to_bytes(_QUICKXOR_BITS // 8, "little"))
    for index, byte in enumerate(len(data).to_bytes(8, "little")):
        raw[-8 + index] ^= byte
    return bytes(raw)
