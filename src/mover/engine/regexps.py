r"""Regular expressions as rclone's users write them (RE2: https://github.com/google/re2/wiki/Syntax), for Python's own engine.

The two agree on most things and differ silently on some. Here `\d` and `\w` mean ASCII only, `$` never stands before a final
newline, a `(?i)` may stand anywhere and holds to the end of its group, and `a++` is an error. What Python cannot say is
refused with a reason.
"""

from __future__ import annotations

import re
import string
from typing import Final

_LAST: Final = 0x10FFFF
_DIGITS: Final = ((48, 57),)
_WORD: Final = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Final = ((9, 10), (12, 13), (32, 32))
_PERL: Final = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_POSIX: Final = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": _DIGITS,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CONTROL: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_PLACES: Final = {"A": r"\A", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_REPEAT: Final = re.compile(r"[*+?]\??|\{(\d+)(?:,(\d*))?\}\??")
_GROUP: Final = re.compile(r"\(\?(?:P?<\w+>|:)|\((?!\?)", re.ASCII)
_FLAGS: Final = re.compile(r"\(\?([is]*(?:-[is]+)?)([:)])")
_CODE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]+)\}|([0-7]{2,3}|0))")
_NAMED: Final = re.compile(r"\[:(\^?)(\w+):\]")
_MOST_REPEATS: Final = 1000  # RE2's own bound

Ranges = tuple[tuple[int, int], ...]


def translated(expression: str) -> str:
    """The same expression for `re.compile`, to be used by `search`, without flags other than `re.IGNORECASE`.

    Raises:
        ValueError: it is no RE2 expression, or one that Python has no words for; the text says what is wrong.
    """
    return _Translation(expression).run()


class _Translation:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._made: list[str] = []
        self._groups: list[list[str]] = [[]]  # of each open group: the flags set inside it

    def run(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if len(self._groups) > 1:
            raise ValueError("a ( is not closed")
        self._made.append(")" * len(self._groups[0]))
        return "".join(self._made)

    def _step(self, c: str) -> None:
        if c == "\\":
            self._escape()
        elif c == "[":
            self._class()
        elif c == "(":
            self._open()
        elif c == ")":
            self._close()
        elif c == "|":
            flags = self._groups[-1]
            self._took(1, ")" * len(flags) + "|" + "".join(flags))
        elif repeat := _REPEAT.match(self._text, self._at):
            self._repeat(repeat)
        else:
            self._took(1, {"^": "^", "$": r"\Z", ".": "."}.get(c) or re.escape(c))

    def _took(self, length: int, made: str) -> None:
        self._made.append(made)
        self._at += length

    def _repeat(self, repeat: re.Match[str]) -> None:
        if any(int(n) > _MOST_REPEATS for n in repeat.groups() if n):
            raise ValueError(f"{repeat[0]} repeats more than {_MOST_REPEATS} times")
        self._took(len(repeat[0]), repeat[0])
        if second := _REPEAT.match(self._text, self._at):
            raise ValueError(f"{second[0]} follows another repetition")

    def _open(self) -> None:
        if group := _GROUP.match(self._text, self._at):
            self._took(len(group[0]), "(?:")
            self._groups.append([])
        elif flags := _FLAGS.match(self._text, self._at):
            opened = f"(?{flags[1]}:"
            self._took(len(flags[0]), opened)
            if flags[2] == ":":
                self._groups.append([])
            else:
                self._groups[-1].append(opened)
        else:
            raise ValueError(f"{self._text[self._at : self._at + 4]} is not supported (groups, (?i) and (?s) are)")

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise ValueError("a ) closes nothing")
        self._took(1, ")" * (len(self._groups.pop()) + 1))

    def _escape(self) -> None:
        c = self._text[self._at + 1 : self._at + 2]
        if c in _PLACES:
            self._took(2, _PLACES[c])
        else:
            self._made.append(f"[{_written(self._escaped())}]")

    def _escaped(self) -> Ranges:
        """What the escape here stands for, in a class or outside; goes past it."""
        c = self._text[self._at + 1 : self._at + 2]
        if code := _CODE.match(self._text, self._at):
            self._at += len(code[0])
            point = int(code[3], 8) if code[3] else int(code[1] or code[2], 16)
            if point > _LAST:
                raise ValueError(f"{code[0]} is no character")
            return ((point, point),)
        self._at += 2
        if c.lower() in _PERL:
            return _PERL[c] if c in _PERL else _others(_PERL[c.lower()])
        if c in _CONTROL:
            return ((_CONTROL[c], _CONTROL[c]),)
        if c and c in string.punctuation:
            return ((ord(c), ord(c)),)
        raise ValueError(f"\\{c} is not supported" if c else "it ends with a single \\")

    def _class(self) -> None:
        begin = self._at
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        ranges: Ranges = ()
        first = True
        while first or not self._text.startswith("]", self._at):
            if self._at >= len(self._text):
                raise ValueError(f"{self._text[begin:]} lacks its ]")
            ranges += self._member()
            first = False
        self._at += 1
        self._made.append(f"[{'^' * negated}{_written(ranges)}]")

    def _member(self) -> Ranges:
        if named := _NAMED.match(self._text, self._at):
            if named[2] not in _POSIX:
                raise ValueError(f"{named[0]} is no class of characters")
            self._at += len(named[0])
            return _others(_POSIX[named[2]]) if named[1] else _POSIX[named[2]]
        begin = self._single()
        low = _only(begin)
        follows = self._text[self._at : self._at + 2]
        if low is None or not follows.startswith("-") or follows in ("-", "-]"):
            return begin
        self._at += 1
        high = _only(self._single())
        if high is None or high < low:
            raise ValueError("a range of characters does not end after its begin")
        return ((low, high),)

    def _single(self) -> Ranges:
        c = self._text[self._at : self._at + 1]
        if c == "\\":
            return self._escaped()
        if not c:
            raise ValueError("a [ lacks its ]")
        self._at += 1
        return ((ord(c), ord(c)),)


def _only(ranges: Ranges) -> int | None:
    """The character, if there is but one."""
    points = [low for low, high in ranges if low == high]
    return points[0] if len(points) == len(ranges) == 1 else None


def _others(ranges: Ranges) -> Ranges:
    ends = [-1, *(high for _, high in ranges)]
    starts = [*(low for low, _ in ranges), _LAST + 1]
    return tuple((end + 1, start - 1) for end, start in zip(ends, starts, strict=True) if end + 1 <= start - 1)


def _written(ranges: Ranges) -> str:
    return "".join(_point(low) if low == high else f"{_point(low)}-{_point(high)}" for low, high in ranges)


def _point(code: int) -> str:
    c = chr(code)
    return c if c.isalnum() else f"\\U{code:08x}"
