"""EME, a mode of AES that enciphers a whole short message as one block: equal names stay equal, and nothing else shows.

Source: Halevi and Rogaway, "A Parallelizable Enciphering Mode", https://eprint.iacr.org/2003/147. No library on PyPI has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK: Final = 16
MOST: Final = 128 * BLOCK
"""The longest message, in bytes."""

_TOP: Final = 1 << 127
_MASK: Final = (1 << 128) - 1
_POLYNOMIAL: Final = 0x87

_Blocks = Callable[[list[int]], list[int]]


class Eme:
    """EME over AES with one key and one tweak (16 bytes). Messages are whole blocks of 16 bytes, at least 1, at most 128."""

    def __init__(self, key: bytes, tweak: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # the block cipher below EME, not a mode for messages
        self._tweak = int.from_bytes(tweak, "little")
        (self._mask,) = self._encrypt([0])

    def encrypt(self, message: bytes) -> bytes:
        """The enciphered message, of the same length."""
        return self._transform(message, self._encrypt)

    def decrypt(self, message: bytes) -> bytes:
        """The message; whatever went in, something comes out: who calls must know what to expect."""
        return self._transform(message, self._decrypt)

    def _transform(self, message: bytes, blocks: _Blocks) -> bytes:
        if not message or len(message) % BLOCK or len(message) > MOST:
            raise ValueError(f"EME takes 1 to 128 whole blocks, not {len(message)} bytes")
        masks = self._masks(len(message) // BLOCK)
        inner = blocks([p ^ m for p, m in zip(_numbers(message), masks, strict=True)])
        mixed_in = self._tweak
        for block in inner:
            mixed_in ^= block
        (mixed_out,) = blocks([mixed_in])
        spread, first, outer = mixed_in ^ mixed_out, mixed_out ^ self._tweak, [0]
        for block in inner[1:]:
            spread = _doubled(spread)
            outer.append(block ^ spread)
            first ^= outer[-1]
        outer[0] = first
        return b"".join((c ^ m).to_bytes(BLOCK, "little") for c, m in zip(blocks(outer), masks, strict=True))

    def _masks(self, count: int) -> list[int]:
        masks = [_doubled(self._mask)]
        while len(masks) < count:
            masks.append(_doubled(masks[-1]))
        return masks

    def _encrypt(self, blocks: list[int]) -> list[int]:
        return _numbers(self._cipher.encryptor().update(_joined(blocks)))

    def _decrypt(self, blocks: list[int]) -> list[int]:
        return _numbers(self._cipher.decryptor().update(_joined(blocks)))


def _numbers(message: bytes) -> list[int]:
    return [int.from_bytes(message[i : i + BLOCK], "little") for i in range(0, len(message), BLOCK)]


def _joined(blocks: list[int]) -> bytes:
    return b"".join(block.to_bytes(BLOCK, "little") for block in blocks)


def _doubled(number: int) -> int:
    """Times two in the field of 2^128 elements."""
    return (number << 1 & _MASK) ^ (_POLYNOMIAL if number & _TOP else 0)
