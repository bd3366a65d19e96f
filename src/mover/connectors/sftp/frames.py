"""Cuts what an SFTP server sends into packets; each byte of a long one is copied once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mover.connectors.sftp.packets import HEAD, Kind, Malformed

LARGEST: Final = 1 << 20
"""Bytes in one packet that we put up with. OpenSSH's limit is 256 KiB."""
_SKIPPED: Final[dict[int, int]] = {Kind.VERSION: 5, Kind.DATA: 13}
"""Bytes before the body: VERSION has no number, DATA's own length says nothing new."""


class Frames:
    """A stream of packets; what is begun is kept until the rest comes."""

    __slots__ = ("_kind", "_missing", "_number", "_pieces", "_rest")

    def __init__(self) -> None:
        self._rest: bytes = b""
        self._pieces: list[bytes] = []
        self._missing: int = 0
        self._kind: int = 0
        self._number: int = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Kind, number and body of each packet that is whole now. Raises `Malformed` for one that cannot be."""
        at = 0
        if self._missing:
            at = min(self._missing, len(data))
            self._pieces.append(data[:at])
            self._missing -= at
            if self._missing:
                return
            yield self._kind, self._number, b"".join(self._pieces)
            self._pieces.clear()
        elif self._rest:
            data = self._rest + data
        end = len(data)
        while end - at >= HEAD.size:
            length, self._kind, self._number = HEAD.unpack_from(data, at)
            begin = at + _SKIPPED.get(self._kind, HEAD.size)
            after = at + 4 + length
            if length > LARGEST or after < begin:
                raise Malformed(f"a packet of {length} bytes")
            if end < begin:
                break
            at = min(after, end)
            if after > end:
                self._pieces.append(data[begin:])
                self._missing = after - end
                break
            yield self._kind, self._number, data[begin:after]
        self._rest = data[at:]
