"""Every digest that a provider may give, computed in one pass over the bytes.

MD5 and SHA-1 are here because providers report them: they find damage, they prove nothing against an attacker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from types import MappingProxyType
from typing import Final, Protocol

from mover.core.errors import Unsupported
from mover.core.model import Algorithm, Digest

DROPBOX_BLOCK: Final = 4 << 20


class Hasher(Protocol):
    """A digest in the making."""

    def update(self, data: bytes, /) -> object: ...

    def digest(self) -> bytes: ...


class Hashers:
    """Some digests of one stream of bytes, in the making. `update` is for one thread at a time and releases the GIL."""

    __slots__ = ("_running",)

    def __init__(self, algorithms: Iterable[Algorithm]) -> None:
        """Begin.

        Raises:
            Unsupported: an algorithm cannot be computed from the bytes alone (`md5-of-parts`, `opaque`).
        """
        self._running: list[tuple[Algorithm, Hasher]] = [(a, _maker(a)()) for a in dict.fromkeys(algorithms)]

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        for _, hasher in self._running:
            hasher.update(data)

    def digests(self) -> tuple[Digest, ...]:
        """The digests of all bytes so far, in the order in which they were asked for, each once."""
        return tuple(Digest(algorithm, hasher.digest()) for algorithm, hasher in self._running)


def digests_of(data: bytes, algorithms: Iterable[Algorithm]) -> tuple[Digest, ...]:
    """The digests of `data`, in the order in which they were asked for.

    Raises:
        Unsupported: as `Hashers`.
    """
    return tuple([Digest(algorithm, _at_once(algorithm)(data)) for algorithm in algorithms])


class _Crc64Nvme:
    """CRC-64/NVME, big-endian, as S3 reports it."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = _crc64nvme()(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(8, "big")


class _Dropbox:
    """Dropbox's content hash: SHA-256 of the SHA-256 of every 4 MiB.

    Source: https://www.dropbox.com/developers/reference/content-hash
    """

    __slots__ = ("_block", "_room", "_whole")

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._block = hashlib.sha256()
        self._room = DROPBOX_BLOCK

    def update(self, data: bytes, /) -> None:
        rest = memoryview(data)
        while len(rest) >= self._room:
            self._block.update(rest[: self._room])
            self._whole.update(self._block.digest())
            rest = rest[self._room :]
            self._block, self._room = hashlib.sha256(), DROPBOX_BLOCK
        self._block.update(rest)
        self._room -= len(rest)

    def digest(self) -> bytes:
        whole = self._whole.copy()
        if self._room < DROPBOX_BLOCK:
            whole.update(self._block.digest())
        return whole.digest()


@cache
def _crc64nvme() -> Callable[[bytes, int], int]:
    """Imported when first needed, as all that is large: a command that hashes nothing starts without it."""
    from awscrt import checksums

    return checksums.crc64nvme


def _crc32c() -> Hasher:
    import google_crc32c

    return google_crc32c.Checksum()  # its digest is big-endian, as Google and S3 report it


def _quickxor() -> Hasher:
    from mover.crypto.quickxor import QuickXor

    return QuickXor()


def _md5() -> Hasher:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> Hasher:
    return hashlib.sha1(usedforsecurity=False)


_MAKERS: Final = MappingProxyType[Algorithm, Callable[[], Hasher]](
    {
        "md5": _md5,
        "sha1": _sha1,
        "sha256": hashlib.sha256,
        "sha512": hashlib.sha512,
        "crc32c": _crc32c,
        "crc64nvme": _Crc64Nvme,
        "quickxor": _quickxor,
        "dropbox": _Dropbox,
    }
)

COMPUTABLE: Final = frozenset(_MAKERS)
"""The algorithms that can be computed from the bytes alone."""


_AT_ONCE: Final = MappingProxyType[Algorithm, Callable[[bytes], bytes]](
    {
        "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
        "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
        "sha256": lambda data: hashlib.sha256(data).digest(),
        "sha512": lambda data: hashlib.sha512(data).digest(),
        "crc64nvme": lambda data: _crc64nvme()(data, 0).to_bytes(8, "big"),
    }
)
"""The same in one call, where that is quicker: small files pass by the thousand each second."""


def _at_once(algorithm: Algorithm) -> Callable[[bytes], bytes]:
    return _AT_ONCE.get(algorithm) or (lambda data: _whole(_maker(algorithm)(), data))


def _whole(hasher: Hasher, data: bytes) -> bytes:
    hasher.update(data)
    return hasher.digest()


def _maker(algorithm: Algorithm) -> Callable[[], Hasher]:
    try:
        return _MAKERS[algorithm]
    except KeyError:
        raise Unsupported(f"the digest {algorithm} cannot be computed from the bytes alone") from None
