"""What a batch of copying holds, as it rests in its row: MessagePack, compressed."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence

import msgspec

from mover.wire.items import WirePlanned

_FAST = 1


def packed(planned: Sequence[WirePlanned]) -> bytes:
    """The bytes of a manifest."""
    return zlib.compress(msgspec.msgpack.encode(planned), _FAST)


def unpacked(manifest: bytes) -> list[WirePlanned]:
    """What `packed` was given."""
    return msgspec.msgpack.decode(zlib.decompress(manifest), type=list[WirePlanned])


def only(planned: Sequence[WirePlanned], keys: Collection[tuple[bytes, bytes]]) -> list[WirePlanned]:
    """Those of the items."""
    return [item for item in planned if (item.path, item.key_id) in keys]
