"""The sealed form of files, judged by Tink itself."""

from __future__ import annotations

import io
import os

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from mover.core.errors import Sealed
from mover.crypto.aead import new_key
from mover.crypto.streaming import (
    FIRST,
    FULL,
    HEADER,
    SEGMENT,
    TAG,
    SealedFile,
    Stream,
    begin,
    capacity,
    place,
    plain_size,
    sealed_size,
    segments,
)

CONTEXT = b"run-1|item-2|version-3"
EDGES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL - 1, FIRST + FULL, FIRST + FULL + 1, 3 * FULL + 12345]


@pytest.mark.parametrize("size", EDGES)
def test_tink_opens_what_we_seal(size: int) -> None:
    key, plain = new_key(), os.urandom(size)
    with tink_primitive(key).new_decrypting_stream(io.BytesIO(sealed(key, plain)), CONTEXT) as stream:
        assert stream.read() == plain


@pytest.mark.parametrize("size", EDGES)
def test_we_open_what_tink_seals(size: int) -> None:
    key, plain = new_key(), os.urandom(size)
    data = sealed_by_tink(key, plain)
    assert len(data) == sealed_size(size)
    file = opened(key, data)
    assert file.size == size
    assert file.read(0, size + 10) == plain
    for start in (0, 1, size // 2, max(0, size - 5), size, size + 1):
        assert file.read(start, 1000) == plain[start : start + 1000]


def test_tink_refuses_what_we_refuse() -> None:
    """The control: Tink, too, sees a cut at a segment's end, which no single tag shows."""
    key = new_key()
    cut = sealed(key, os.urandom(FIRST + FULL + 5))[: 2 * SEGMENT]
    with pytest.raises(Sealed):
        opened(key, cut).read(0, FIRST + FULL)
    with (
        pytest.raises(tink.TinkError),
        tink_primitive(key).new_decrypting_stream(io.BytesIO(cut), CONTEXT) as stream,
    ):
        stream.read()


@pytest.mark.parametrize("where", [0, 1, 33, HEADER, SEGMENT - 1, SEGMENT, SEGMENT + 5, -1])
def test_a_changed_byte_is_seen(where: int) -> None:
    key = new_key()
    data = bytearray(sealed(key, os.urandom(FIRST + 100)))
    data[where] ^= 1
    with pytest.raises(Sealed):
        opened(key, bytes(data)).read(0, FIRST + 100)


def test_segments_open_only_in_their_own_place() -> None:
    key = new_key()
    data = sealed(key, bytes(3 * FULL))
    head, one, two, rest = (data[i * SEGMENT : (i + 1) * SEGMENT] for i in range(4))
    with pytest.raises(Sealed):
        opened(key, head + two + one + rest).read(FIRST, 10)
    with pytest.raises(Sealed):
        opened(key, head + one + two + one).read(FIRST + 2 * FULL, 10)


def test_another_key_context_or_file_opens_nothing() -> None:
    key = new_key()
    data, twin = sealed(key, b"plain"), sealed(key, b"plain")
    with pytest.raises(Sealed):
        opened(new_key(), data).read(0, 5)
    with pytest.raises(Sealed):
        opened(key, data, b"run-1|item-3|version-3").read(0, 5)
    with pytest.raises(Sealed):
        opened(key, data[:HEADER] + twin[HEADER:]).read(0, 5)


@given(st.integers(0, 1 << 50))
@settings(deadline=None)
def test_sizes_go_both_ways(size: int) -> None:
    assert plain_size(sealed_size(size)) == size
    assert segments(size) == max(1, -(-sealed_size(size) // SEGMENT))


@given(st.integers(0, 1 << 50))
@settings(deadline=None)
def test_places_go_both_ways(offset: int) -> None:
    index, inside = place(offset)
    assert begin(index) + inside == offset
    assert 0 <= inside < capacity(index)


@pytest.mark.parametrize("length", [0, HEADER, HEADER + TAG - 1, SEGMENT + 1, SEGMENT + TAG])
def test_impossible_lengths_are_refused(length: int) -> None:
    with pytest.raises(Sealed):
        plain_size(length)


@given(st.binary(max_size=300), st.integers(0, 310), st.integers(0, 310))
@settings(deadline=None, max_examples=50)
def test_reads_of_any_range(plain: bytes, start: int, count: int) -> None:
    key = new_key()
    assert opened(key, sealed(key, plain)).read(start, count) == plain[start : start + count]


def sealed(key: bytes, plain: bytes) -> bytes:
    stream, buffer, out = Stream(key, CONTEXT), memoryview(bytearray(SEGMENT)), bytearray()
    count = segments(len(plain))
    for index in range(count):
        part = plain[begin(index) : begin(index + 1)]
        out += buffer[: stream.seal_into(index, part, buffer, last=index == count - 1)]
    return bytes(out)


def opened(key: bytes, data: bytes, context: bytes = CONTEXT) -> SealedFile:
    return SealedFile(key, context, len(data), lambda at, count: data[at : at + count])


def tink_primitive(key: bytes) -> streaming_aead.StreamingAead:
    """Tink with this very key and our parameters."""
    streaming_aead.register()
    params = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
        ciphertext_segment_size=SEGMENT, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
    )
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(version=0, params=params, key_value=key)
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
            value=value.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC,
        ),
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    handle = cleartext_keyset_handle.from_keyset(keyset)
    return handle.primitive(streaming_aead.StreamingAead)


def sealed_by_tink(key: bytes, plain: bytes) -> bytes:
    out = _Kept()
    with tink_primitive(key).new_encrypting_stream(out, CONTEXT) as stream:
        stream.write(plain)
    return out.data


class _Kept(io.BytesIO):
    """Tink closes its destination; what was written must outlive that."""

    data = b""

    def close(self) -> None:
        self.data = self.getvalue()
        super().close()
