"""QuickXorHash, the digest of OneDrive and SharePoint.

Every byte is XORed into a register of 160 bits, 11 bits further than the one before; at the end the length is XORed into the
last 8 bytes. Since 160 shifts of 11 bits come back to the start, all bytes 160 apart meet at one place: they are folded
first, 160 bytes wide, at the speed of memory, and placed once at the end.

Source: https://learn.microsoft.com/en-us/onedrive/developer/code-snippets/quickxorhash
"""

from __future__ import annotations

from typing import Final

import numpy as np

_WIDTH: Final = 160
_SHIFT: Final = 11
_BITS: Final = (1 << _WIDTH) - 1
_ROWS: Final = 256
"""How many times the width is folded at once for long pieces: rows of 40 KiB stay in the cache."""


class QuickXor:
    """A QuickXorHash in the making."""

    __slots__ = ("_folded", "_length")

    def __init__(self) -> None:
        self._folded = np.zeros(_WIDTH, np.uint8)
        self._length = 0

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes, which may begin at any address."""
        rest = np.frombuffer(data, np.uint8)
        at = self._length % _WIDTH
        self._length += len(rest)
        if at:
            head = rest[: _WIDTH - at]
            self._folded[at : at + len(head)] ^= head
            rest = rest[len(head) :]
        for width in (_WIDTH * _ROWS, _WIDTH):
            whole = len(rest) // width * width
            if whole:
                self._folded ^= _fold(rest[:whole], width)
                rest = rest[whole:]
        self._folded[: len(rest)] ^= rest

    def digest(self) -> bytes:
        """The 20 bytes of the hash of all bytes so far."""
        register = 0
        for index, byte in enumerate(self._folded.tolist()):
            placed = byte << (_SHIFT * index % _WIDTH)
            register ^= (placed & _BITS) ^ (placed >> _WIDTH)
        register ^= self._length << (_WIDTH - 64)
        return register.to_bytes(_WIDTH // 8, "little")


def _fold(data: np.ndarray[tuple[int], np.dtype[np.uint8]], width: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """XOR all rows of `width` bytes together, then the 160 bytes within them."""
    # numpy reads words at odd addresses correctly, only slower: the bytes need no copy
    rows = data.view(np.uint64).reshape(-1, width // 8)
    row = np.bitwise_xor.reduce(rows, axis=0)
    return np.bitwise_xor.reduce(row.reshape(-1, _WIDTH // 8), axis=0).view(np.uint8)
