"""Goes through a log entry by entry, and stops at the first thing that is wrong. No input or output; memory does not grow with the log.

Each entry names the leaf hash of the one before, which tells *where* something was changed; the checkpoints, which tell *that*
something was changed even if everything after it was rewritten to fit, are compared as their size is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mover.audit.checkpoint import Checkpoint
from mover.audit.findings import Finding, Verdict, Wrong
from mover.audit.merkle import HASH, Frontier, leaf_hash


class Head(msgspec.Struct):
    """What of an entry the check looks at; everything else is in its hash."""

    index: int
    at: str
    event: str
    previous: str | None


_READER = msgspec.json.Decoder(Head)


@dataclass(frozen=True, slots=True)
class _Pending:
    """Something is wrong at an entry, and the next one will tell which of two things it is."""

    head: Head
    leaf: bytes


class Checker:
    """Feed it every line in order, then ask for the verdict. `done` becomes true as soon as there is something wrong."""

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Compare with these checkpoints, whose signatures were verified before."""
        self._due = sorted(checkpoints, key=lambda each: -each.size)
        self._count = len(self._due)
        self._frontier = Frontier()
        self._last: bytes | None = None
        self._proven = 0
        self._pending: _Pending | None = None
        self._finding: Finding | None = None
        self._beside: Finding | None = None
        self._compare()

    @property
    def done(self) -> bool:
        """Whether the first wrong thing was found: what follows is not looked at."""
        return self._finding is not None

    def take(self, line: bytes, nodes: bytes | None = None) -> Head | None:
        """Look at the next line, without its line end; `nodes` are the Merkle nodes that the database has beside it.

        What the line says of itself, if it is in its place.
        """
        if self.done:
            return None
        place = self._frontier.size
        try:
            head = _READER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._wrong(Wrong.UNREADABLE, place, f"Line {place + 1} is no whole entry: it was cut or changed.")
            return None
        leaf = leaf_hash(line)
        if self._pending is not None:
            self._decide(self._pending, head)
        elif nodes is not None and nodes[:HASH] != leaf:
            self._wrong(Wrong.CHANGED, place, f"Entry {place} is not the one that was hashed: it was changed.")
        elif head.index != place or head.previous != self._previous():
            self._pending = _Pending(head, leaf)
        else:
            self._grow(leaf, nodes)
            return head
        return None

    def beside(self, index: int, what: str) -> None:
        """Something stored beside an entry is wrong: told at the end, if nothing worse is found."""
        self._beside = self._beside or Finding(Wrong.BESIDE, index, what)

    def verdict(self) -> Verdict:
        """What all the lines came to; nothing is taken after that."""
        if self._pending is not None and not self.done:
            self._decide(self._pending, None)
        size = self._frontier.size
        if self._due and not self.done:
            kept = self._due[0].size
            gone = f"entries {size} to {kept - 1} were cut off"
            what = f"The log ends after {size} entries, but a signed checkpoint was made of {kept}: {gone}."
            self._wrong(Wrong.CUT, size, what)
        return Verdict(size, self._proven, self._count, self._frontier.root(), self._finding or self._beside)

    def _grow(self, leaf: bytes, nodes: bytes | None) -> None:
        self._last = leaf
        if nodes not in (self._frontier.append(leaf), None):
            index = self._frontier.size - 1
            self.beside(index, f"The Merkle nodes that are stored with entry {index} are not those of the log.")
        self._compare()

    def _compare(self) -> None:
        while self._due and self._due[-1].size == self._frontier.size and not self.done:
            due = self._due.pop()
            if due.root == self._frontier.root():
                self._proven = due.size
                continue
            what = (
                f"The first {due.size} entries are not those that were signed, though they fit together: the log was rewritten. "
                f"The first wrong entry is one of {self._proven} to {due.size - 1}."
            )
            self._wrong(Wrong.REWRITTEN, self._proven, what)

    def _decide(self, odd: _Pending, following: Head | None) -> None:
        place, index = self._frontier.size, odd.head.index
        if index > place:
            self._gap(place, index, following)
        elif index < place:
            what = f"Entry {index} is there again at line {place + 1}: one of the two was inserted."
            self._wrong(Wrong.INSERTED, max(0, index), what)
        elif place and (following is None or following.previous == odd.leaf.hex()):
            sure = "was changed" if following else f"was changed, or entry {place}, the last one, was"
            self._wrong(Wrong.CHANGED, place - 1, f"Entry {place - 1} {sure}: the entry after it names another hash.")
        else:
            self._wrong(
                Wrong.CHANGED,
                place,
                f"Entry {place} was changed: it fits neither the entry before it nor the one after it.",
            )

    def _gap(self, place: int, index: int, following: Head | None) -> None:
        if following is not None and following.index <= index:
            self._wrong(
                Wrong.SWAPPED, place, f"Entry {index} stands in the place of entry {place}: entries were swapped."
            )
            return
        gone = f"Entry {place} is" if index == place + 1 else f"Entries {place} to {index - 1} are"
        self._wrong(Wrong.MISSING, place, f"{gone} missing.")

    def _previous(self) -> str | None:
        return None if self._last is None else self._last.hex()

    def _wrong(self, wrong: Wrong, index: int, what: str) -> None:
        self._finding = Finding(wrong, index, what)
