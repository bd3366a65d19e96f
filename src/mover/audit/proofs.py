"""Proofs that an entry is in a tree, and that one tree is the beginning of another. No input or output.

A proof is a list of hashes, each the root above a span of leaves. `inclusion_spans` and `consistency_spans` say which spans;
`proof` makes the hashes from complete nodes, so that whoever has those (the database) needs O(log n) of them.

Source: RFC 9162 §2.1.3 (inclusion) and §2.1.4 (consistency); the verifiers are the RFC's own, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mover.audit.merkle import HASH, complete_nodes, fold, node_hash

Span = tuple[int, int]
"""Leaves from the first number up to, and without, the second."""


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans of the proof that leaf `index` is in the tree of `size` leaves, the nearest first (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end, spans = 0, size, list[Span]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """The spans of the proof that the tree of `first` leaves is the beginning of that of `second` (RFC 9162 §2.1.4.1).

    Raises:
        ValueError: not 0 < first <= second; every tree begins with the empty one, of which nothing can be proved.
    """
    if not 0 < first <= second:
        raise ValueError(f"a tree of {first} leaves is not the beginning of one of {second}")
    start, end, spans = 0, second, list[Span]()
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:
        spans.append((start, end))
    return spans[::-1]


def nodes_of(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Every complete node, as (level, position), that the hashes of these spans are made of."""
    return [node for start, end in spans for node in complete_nodes(start, end)]


def proof(spans: Iterable[Span], node: Callable[[int, int], bytes]) -> list[bytes]:
    """The hash above each span; `node(level, position)` gives a complete node."""
    return [fold([node(*place) for place in complete_nodes(start, end)]) for start, end in spans]


def proves_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that `leaf` (a leaf hash) stands at `index` in the tree of that `size` and `root` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or any(len(step) != HASH for step in proof):
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if not last:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return not last and found == root


def proves_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `first` leaves is the beginning of that of `second` (RFC 9162 §2.1.4.2)."""
    if not 0 < first <= second or any(len(step) != HASH for step in proof):
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    return _leads_to_both(path, at, last, first_root, second_root)


def _leads_to_both(path: Sequence[bytes], at: int, last: int, first_root: bytes, second_root: bytes) -> bool:
    older = newer = path[0]
    for step in path[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        at, last = at >> 1, last >> 1
    return not last and older == first_root and newer == second_root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
