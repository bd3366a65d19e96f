"""The tree, its roots and its proofs against pymerkle, which somebody else wrote, and against each other."""

from __future__ import annotations

import hashlib
from functools import cache

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mover.audit.merkle import EMPTY, HASH, Frontier, complete_nodes, completed_by, leaf_hash, node_hash
from mover.audit.proofs import consistency_spans, inclusion_spans, nodes_of, proof, proves_consistency, proves_inclusion

MOST = 300
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]


class Grown:
    """A tree of `MOST` leaves, ours and pymerkle's."""

    def __init__(self) -> None:
        self.theirs = pymerkle.InmemoryTree(algorithm="sha256")
        self.rows = list[bytes]()
        self.leaves = list[bytes]()
        frontier = Frontier()
        self.roots = [frontier.root()]
        for number in range(MOST):
            data = f"entry {number}".encode()
            self.theirs.append_entry(data)
            self.leaves.append(leaf_hash(data))
            self.rows.append(frontier.append(self.leaves[-1]))
            self.roots.append(frontier.root())

    def node(self, level: int, position: int) -> bytes:
        """As the database keeps them: beside the entry that completes them."""
        return self.rows[completed_by(level, position)][level * HASH : (level + 1) * HASH]


@cache
def grown() -> Grown:
    return Grown()


def test_roots_are_those_of_the_rfc_and_of_pymerkle() -> None:
    tree = grown()
    assert tree.roots[0] == EMPTY == hashlib.sha256().digest()
    for size in range(1, MOST + 1):
        assert tree.roots[size] == tree.theirs.get_root(size), size


def test_the_roots_of_certificate_transparency() -> None:
    """The eight leaves and roots that Google's certificate-transparency and every implementation since use."""
    frontier = Frontier()
    roots = list[str]()
    for leaf in LEAVES:
        frontier.append(leaf_hash(bytes.fromhex(leaf)))
        roots.append(frontier.root().hex())
    assert roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[-1] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_inclusion_is_proved_as_pymerkle_does(data: st.DataObject) -> None:
    tree = grown()
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    path = proof(inclusion_spans(index, size), tree.node)
    theirs = tree.theirs.prove_inclusion(index + 1, size)
    assert [tree.leaves[index], *path] == theirs.path
    theirs.path = [tree.leaves[index], *path]
    pymerkle.verify_inclusion(tree.leaves[index], tree.roots[size], theirs, index=index + 1, size=size)
    assert proves_inclusion(tree.leaves[index], index, size, tree.roots[size], path)
    other = data.draw(st.integers(0, MOST - 1).filter(lambda number: number != index))
    assert not proves_inclusion(tree.leaves[other], index, size, tree.roots[size], path)
    assert not proves_inclusion(tree.leaves[index], other, size, tree.roots[size], path)
    _refused(path, lambda changed: proves_inclusion(tree.leaves[index], index, size, tree.roots[size], changed))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_consistency_is_proved_between_the_states_of_pymerkle(data: st.DataObject) -> None:
    """Pymerkle's own proofs have another shape than the RFC's; its states are the same, and so is what can be proved of them."""
    tree = grown()
    second = data.draw(st.integers(1, MOST))
    first = data.draw(st.integers(1, second))
    states = tree.theirs.get_root(first), tree.theirs.get_root(second)
    path = proof(consistency_spans(first, second), tree.node)
    assert path == _rfc_subproof(first, tree.leaves[:second], whole=True)
    assert proves_consistency(first, second, *states, path)
    pymerkle.verify_consistency(*states, tree.theirs.prove_consistency(first, second), first, second)
    for wrong in {first - 1, first + 1} - {0, MOST + 1}:
        assert not proves_consistency(first, second, tree.roots[wrong], states[1], path)
        assert not proves_consistency(wrong, second, *states, path)
    _refused(path, lambda changed: proves_consistency(first, second, *states, changed))


CONSISTENT = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize(("first", "second"), CONSISTENT)
def test_the_consistency_proofs_of_certificate_transparency(first: int, second: int) -> None:
    frontier, rows = Frontier(), list[bytes]()
    for leaf in LEAVES:
        rows.append(frontier.append(leaf_hash(bytes.fromhex(leaf))))
    path = proof(
        consistency_spans(first, second), lambda level, at: rows[completed_by(level, at)][level * HASH :][:HASH]
    )
    assert [step.hex() for step in path] == CONSISTENT[first, second]


def _rfc_subproof(first: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """RFC 9162 §2.1.4.1, letter by letter."""
    size = len(leaves)
    if first == size:
        return [] if whole else [_rfc_root(leaves)]
    split = 1 << (size - 1).bit_length() - 1
    if first <= split:
        return [*_rfc_subproof(first, leaves[:split], whole=whole), _rfc_root(leaves[split:])]
    return [*_rfc_subproof(first - split, leaves[split:], whole=False), _rfc_root(leaves[:split])]


def _rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, letter by letter."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(_rfc_root(leaves[:split]), _rfc_root(leaves[split:]))


def test_a_proof_of_a_million_entries_is_short() -> None:
    assert len(inclusion_spans(123_456, 1_000_000)) <= 20
    assert len(nodes_of(inclusion_spans(123_456, 1_000_000))) <= 40
    assert len(nodes_of(consistency_spans(123_456, 1_000_000))) <= 60


def test_a_frontier_goes_on_where_it_was_kept() -> None:
    tree = grown()
    for size in (0, 1, 2, 3, 7, 8, 100, 255, 256):
        kept = Frontier(size, [tree.node(*place) for place in complete_nodes(0, size)])
        assert kept.root() == tree.roots[size]
        assert kept.append(tree.leaves[size]) == tree.rows[size]
        assert kept.root() == tree.roots[size + 1]
    with pytest.raises(ValueError, match="2 complete nodes, not 1"):
        Frontier(3, [EMPTY])


def test_a_leaf_is_no_node() -> None:
    """The second preimage that RFC 9162 §2.1.1 guards against: a leaf made of two hashes is not the node above them."""
    assert leaf_hash(EMPTY + EMPTY) != node_hash(EMPTY, EMPTY)


def test_a_proof_is_as_long_as_its_tree_is_high() -> None:
    """Steps beyond the root would let the second of two leaves pass for the only one."""
    first, second = grown().leaves[:2]
    assert not proves_inclusion(second, 0, 1, node_hash(first, second), [first])
    assert not proves_consistency(1, 2, first, node_hash(EMPTY, node_hash(first, second)), [second, EMPTY])
    older, newer = node_hash(EMPTY, first), node_hash(EMPTY, node_hash(first, second))
    assert not proves_consistency(1, 2, older, newer, [second, EMPTY])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_spans(index, size)
    assert not proves_inclusion(EMPTY, index, size, EMPTY, [])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 3)])
def test_there_is_no_consistency_with_what_is_not_there(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="not the beginning"):
        consistency_spans(first, second)
    assert not proves_consistency(first, second, EMPTY, EMPTY, [])


def _refused(path: list[bytes], holds) -> None:
    """No proof that is longer, shorter, changed or of wrong hashes holds."""
    assert not holds([*path, EMPTY])
    assert not holds([*path, b""])
    if path:
        assert not holds(path[:-1])
        assert not holds([path[0][:-1], *path[1:]])
        for at in range(len(path)):
            assert not holds([*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]])
