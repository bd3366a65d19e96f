"""The Merkle tree of RFC 9162: hashing, and appending with O(log n) state. No input or output.

A *complete* node is the root of 2^level leaves that begin at a multiple of 2^level; it never changes again. The entry at `index`
completes one node at each level up to the number of trailing zeros of `index + 1`: those are stored beside it, and every root
and proof is made of a logarithmic number of them.

Source: RFC 9162 §2.1.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from hashlib import sha256
from typing import Final

HASH: Final = 32
"""Bytes of a hash."""

EMPTY: Final = sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds `data`."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


def fold(nodes: Sequence[bytes]) -> bytes:
    """The root above complete nodes that stand side by side, the largest first; `EMPTY` above none."""
    if not nodes:
        return EMPTY
    return reduce(lambda right, left: node_hash(left, right), reversed(nodes))


def complete_nodes(start: int, end: int) -> Iterable[tuple[int, int]]:
    """Which complete nodes stand side by side above leaves `start` up to `end`: (level, position in that level), largest first.

    `start` is a multiple of the largest power of two that is not above `end - start`, as it is for every part of a tree.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def completed_by(level: int, position: int) -> int:
    """The index of the entry that completes that node."""
    return ((position + 1) << level) - 1


class Frontier:
    """All that is needed to append to a tree: its size, and the complete nodes side by side above its leaves."""

    __slots__ = ("_nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """A tree of `size` leaves whose complete nodes, largest first, are `nodes`.

        Raises:
            ValueError: a tree of that size has another number of them.
        """
        self.size = size
        self._nodes = list(nodes)
        if len(self._nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete nodes, not {len(self._nodes)}")

    def append(self, leaf: bytes) -> bytes:
        """Take in one more leaf hash; the nodes that this completes, one after the other, the leaf first."""
        completed = [leaf]
        size = self.size
        while size & 1:
            leaf = node_hash(self._nodes.pop(), leaf)
            completed.append(leaf)
            size >>= 1
        self._nodes.append(leaf)
        self.size += 1
        return b"".join(completed)

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return fold(self._nodes)
