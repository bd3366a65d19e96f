"""Regular expressions that strangers may write: RE2 (https://github.com/google/re2/wiki/Syntax), rclone's own syntax.

RE2 takes a time linear in the length of the text, whatever the expression, and an amount of memory that is set beforehand; Python's own
engine can take years over `(a+)+$`. Loading it costs some milliseconds, so this module is imported only where there are rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import re2

MEMORY: Final = 1 << 20
"""Bytes that one compiled expression may take; also what bounds its size, to some 10 000 steps of RE2's machine."""

TOGETHER: Final = 64
"""Expressions that are tried in one pass; the pass costs hardly more than a single one of them."""

MEMORY_TOGETHER: Final = 8 << 20
"""Bytes that such a pass may take; beyond them the expressions are tried one by one."""

_RE2: Any = re2  # it has no types


class Expressions:
    """Expressions in an order. Says which is the first that matches."""

    def __init__(self, *, ignore_case: bool) -> None:
        self._options = _options(MEMORY, ignore_case=ignore_case)
        self._set_options = _options(MEMORY_TOGETHER, ignore_case=ignore_case)
        self._texts: list[bytes] = []
        self._each: list[_Search] = []
        self._groups: list[_Group] = []

    def add(self, expression: bytes) -> None:
        """Add one, in UTF-8, at the end.

        Raises:
            ValueError: it is no RE2 expression, or is too large; the text says what is wrong.
        """
        try:
            self._each.append(_RE2.compile(expression, self._options).search)
        except _RE2.error as error:
            raise ValueError(_explained(error.args[0].decode(errors="replace"))) from error
        self._texts.append(expression)
        self._groups.clear()

    def first(self, text: bytes) -> int | None:
        """The number, from 0, of the first that is found in a text in UTF-8."""
        if not self._groups:
            self._groups.extend(self._group(at) for at in range(0, len(self._each), TOGETHER))
        before = 0
        for group in self._groups:
            if (found := group.first(text)) is not None:
                return before + found
            before += TOGETHER
        return None

    def _group(self, at: int) -> _Group:
        return _Group(self._texts[at : at + TOGETHER], self._each[at : at + TOGETHER], self._set_options)


_Search = Callable[[bytes], object | None]


class _Group:
    """Expressions that are tried in one pass; one by one where that takes too much memory."""

    def __init__(self, texts: Sequence[bytes], each: Sequence[_Search], options: Any) -> None:
        self._each = each
        together = _RE2.Set.SearchSet(options)
        for text in texts:
            together.Add(text)
        together.Add(b"")  # always found: to find nothing at all means that RE2 gave up
        try:
            together.Compile()
        except _RE2.error:
            self._found: Callable[[bytes], list[int] | None] = _nothing
        else:
            self._found = together.Match

    def first(self, text: bytes) -> int | None:
        if found := self._found(text):
            first = min(found)
            return first if first < len(self._each) else None
        return next((number for number, search in enumerate(self._each) if search(text) is not None), None)


def _nothing(_text: bytes) -> None:
    return None


def _options(memory: int, *, ignore_case: bool) -> Any:
    options = _RE2.Options()
    options.max_mem = memory
    options.log_errors = False  # they are raised
    options.dot_nl = True  # names may hold newlines
    options.never_capture = True  # only whether it matches is asked
    options.case_sensitive = not ignore_case
    return options


def _explained(problem: str) -> str:
    if problem.startswith("pattern too large"):
        return "it is too large: make several rules of it, or repeat less"
    return f"{problem} (regular expressions are RE2's: no look-around, no back-references)"
