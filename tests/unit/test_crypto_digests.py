"""Digests: published values, an independent program (rclone), and no difference between pieces and whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mover.core.errors import Unsupported
from mover.core.model import Algorithm
from mover.crypto.digests import COMPUTABLE, Hashers, digests_of

RCLONE = Path(sys.executable).with_name("rclone")

PUBLISHED: list[tuple[Algorithm, bytes, str]] = [
    ("md5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),  # RFC 1321
    ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),  # FIPS 180
    ("sha256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "sha512",
        b"abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    ("crc32c", b"123456789", "e3069283"),  # RFC 3720's polynomial, the catalogue's check value
    ("crc32c", bytes(32), "8a9136aa"),  # RFC 3720, B.4
    ("crc64nvme", b"123456789", "ae8b14860a799888"),  # the catalogue's check value of CRC-64/NVME
    ("quickxor", b"", "0000000000000000000000000000000000000000"),
]


@pytest.mark.parametrize(("algorithm", "data", "value"), PUBLISHED)
def test_published_values(algorithm: Algorithm, data: bytes, value: str) -> None:
    (digest,) = digests_of(data, [algorithm])
    assert (digest.algorithm, digest.hex) == (algorithm, value)
    running = Hashers([algorithm])
    running.update(data)
    assert running.digests() == (digest,)


SIZES = [0, 1, 159, 160, 161, 4096, 40960, 160 * 257 + 3, (4 << 20) - 1, 4 << 20, 9_000_001]


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512", "quickxor", "dropbox"])
def test_rclone_says_the_same(algorithm: Algorithm, tmp_path: Path) -> None:
    contents = {str(size): os.urandom(size) for size in SIZES}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    command = [RCLONE, "hashsum", algorithm, tmp_path, "--config", os.devnull]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {name: value for value, name in (line.split() for line in said.splitlines())}
    assert theirs == {name: digests_of(data, [algorithm])[0].hex for name, data in contents.items()}


PIECES = st.lists(
    st.binary(max_size=700) | st.integers(1, 90_000).map(lambda n: bytes(i % 251 for i in range(n))), max_size=8
)


@given(PIECES)
@settings(max_examples=60, deadline=None)
def test_pieces_and_whole_agree(pieces: list[bytes]) -> None:
    algorithms = sorted(COMPUTABLE)
    running = Hashers(algorithms)
    for piece in pieces:
        running.update(piece)
    assert running.digests() == digests_of(b"".join(pieces), algorithms)


@given(st.binary(max_size=2000), st.integers(0, 9))
@settings(deadline=None)
def test_quickxor_is_microsofts_algorithm(data: bytes, shift: int) -> None:
    """Against the definition, byte by byte, at every alignment in memory."""
    moved = memoryview(bytes(shift) + data)[shift:]
    hashers = Hashers(["quickxor"])
    hashers.update(moved)  # pyright: ignore[reportArgumentType]
    assert hashers.digests()[0].value == _quickxor(data)


def test_dropbox_block_borders() -> None:
    block = 4 << 20
    data = os.urandom(block + 5)
    whole = digests_of(data, ["dropbox"])
    for cut in (1, block - 1, block, block + 1):
        running = Hashers(["dropbox"])
        running.update(data[:cut])
        running.update(data[cut:])
        assert running.digests() == whole
        assert running.digests() == whole, "asking twice changes nothing"


@pytest.mark.parametrize("algorithm", ["md5-of-parts", "opaque"])
def test_what_bytes_alone_cannot_tell_is_refused(algorithm: Algorithm) -> None:
    with pytest.raises(Unsupported, match=algorithm):
        Hashers([algorithm])
    with pytest.raises(Unsupported, match=algorithm):
        digests_of(b"", [algorithm])


def test_an_algorithm_asked_for_twice_is_told_once() -> None:
    assert len(Hashers(["md5", "md5"]).digests()) == 1


def _quickxor(data: bytes) -> bytes:
    register = 0
    for index, byte in enumerate(data):
        placed = byte << (11 * index % 160)
        register ^= (placed & ((1 << 160) - 1)) ^ (placed >> 160)
    out = bytearray(register.to_bytes(20, "little"))
    for index, byte in enumerate(len(data).to_bytes(8, "little")):
        out[12 + index] ^= byte
    return bytes(out)
