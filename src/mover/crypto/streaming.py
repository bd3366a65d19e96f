"""Files sealed in segments: Tink's AES256-GCM-HKDF streaming format, with random access.

A sealed file is a header (its length as one byte, a salt of 32 bytes, a nonce prefix of 7) and segments. Every segment,
the first together with the header, is `SEGMENT` bytes long; the last may be shorter. The file's key is
HKDF-SHA256(key, salt, context); a segment's nonce is prefix | its number (4 bytes) | 1 if it is the last, so a segment
opens only in its own place of its own file, and a cut is seen.

Source: Tink's wire format, https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming; STREAM, https://eprint.iacr.org/2015/189.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mover.core.errors import Sealed
from mover.crypto.aead import KEY, TAG, derive

SEGMENT: Final = 1 << 20
"""Bytes of a sealed segment."""

HEADER: Final = 40
FULL: Final = SEGMENT - TAG
"""Plain bytes in a full segment other than the first."""
FIRST: Final = FULL - HEADER
"""Plain bytes in a full first segment."""

_SALT: Final = 32
_PREFIX: Final = 7
_MOST_SEGMENTS: Final = 1 << 32


def capacity(index: int) -> int:
    """How many plain bytes segment `index` holds when it is full."""
    return FULL if index else FIRST


def place(offset: int) -> tuple[int, int]:
    """The segment that holds plain byte `offset`, and where in that segment it is."""
    if offset < FIRST:
        return 0, offset
    index, inside = divmod(offset - FIRST, FULL)
    return index + 1, inside


def begin(index: int) -> int:
    """The plain offset at which segment `index` begins."""
    return FIRST + (index - 1) * FULL if index else 0


def segments(size: int) -> int:
    """How many segments a file of `size` plain bytes has; an empty one has one."""
    return place(size - 1)[0] + 1 if size else 1


def sealed_size(size: int) -> int:
    """The length in bytes of the sealed form of `size` plain bytes."""
    return size + HEADER + TAG * segments(size)


def plain_size(sealed: int) -> int:
    """How many plain bytes a sealed file of that length holds.

    Raises:
        Sealed: no sealed file has that length.
    """
    count = max(1, -(-sealed // SEGMENT))
    size = sealed - HEADER - TAG * count
    if size < 0 or segments(size) != count:
        raise Sealed(f"a sealed file cannot be {sealed} bytes long")
    return size


class Stream:
    """The cipher of one file. Drop it and the file is erased: the key is nowhere else."""

    __slots__ = ("_cipher", "_prefix", "header")

    def __init__(self, key: bytes, context: bytes, header: bytes | None = None) -> None:
        """Derive the file's own key from `key` (32 bytes). Without a `header` the file is a new one.

        Raises:
            Sealed: the header is none of this format.
        """
        if header is None:
            header = bytes((HEADER,)) + os.urandom(_SALT + _PREFIX)
        if len(header) != HEADER or header[0] != HEADER:
            raise Sealed("a sealed file does not begin with a header")
        self.header = header
        self._prefix = header[1 + _SALT :]
        self._cipher = AESGCM(derive(key, context, header[1 : 1 + _SALT], KEY))

    def seal_into(self, index: int, plain: bytes, buffer: memoryview, *, last: bool) -> int:
        """Write segment `index`, the header before it if it is the first, to the start of `buffer`; its length in bytes."""
        front = 0
        if not index:
            buffer[:HEADER] = self.header
            front = HEADER
        length = front + len(plain) + TAG
        self._cipher.encrypt_into(self._nonce(index, last=last), plain, None, buffer[front:length])
        return length

    def open(self, index: int, sealed: bytes | memoryview, *, last: bool) -> bytes:
        """The plain bytes of segment `index`, which begins with the header if it is the first.

        Raises:
            Sealed: it is not that segment of this file, or it was changed.
        """
        if not index:
            if bytes(sealed[:HEADER]) != self.header:
                raise Sealed("a sealed file's header was changed")
            sealed = memoryview(sealed)[HEADER:]
        try:
            return self._cipher.decrypt(self._nonce(index, last=last), sealed, None)
        except (InvalidTag, ValueError) as error:
            raise Sealed(f"segment {index} of a sealed file cannot be opened: it was changed, moved or cut") from error

    def _nonce(self, index: int, *, last: bool) -> bytes:
        if index >= _MOST_SEGMENTS:
            raise Sealed("a sealed file cannot have more than 2^32 segments")
        return self._prefix + index.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


class SealedFile:
    """A whole sealed file, read from any offset."""

    def __init__(self, key: bytes, context: bytes, length: int, read: Callable[[int, int], bytes]) -> None:
        """Open the file of `length` bytes that `read(offset, count)` gives.

        Raises:
            Sealed: it is none of this format.
        """
        self.size = plain_size(length)
        self._length = length
        self._read = read
        self._stream = Stream(key, context, read(0, HEADER))

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` plain bytes from offset `start`; fewer at the end of the file.

        Raises:
            Sealed: a segment was changed, moved or cut.
        """
        end = min(self.size, start + count)
        if start >= end and self.size:
            return b""
        first, skip = place(start)
        plain = b"".join(self._segment(i) for i in range(first, segments(end)))
        return plain[skip : skip + end - start]

    def _segment(self, index: int) -> bytes:
        at = index * SEGMENT
        last = index == segments(self.size) - 1
        return self._stream.open(index, self._read(at, min(SEGMENT, self._length - at)), last=last)
