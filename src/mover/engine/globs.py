"""rclone's patterns (https://rclone.org/filtering/#patterns), read once into an expression for files and some for folders.

`*` and `?` stop at a slash, `**` does not; `[a-z]` is a class, `{a,b}` a choice, `{{...}}` a regular expression; a leading slash ties the
pattern to the root, else it may begin at any name. rclone 1.75 is the judge of what its manual leaves open: `[!a]` is no negation
(`[^a]` is), and a `]` in a class cannot be escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ANYWHERE: Final = "^(?s:.*)$"
"""The expression that every folder fits."""


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern that has been read. All expressions are RE2, anchored, to be searched for.

    `files` is for paths. `folders` are for paths of folders with a closing slash: any folder that may hold a match fits one of them.
    `spans` says that the pattern has a `**`, so that it can match whole trees.
    """

    files: str
    folders: tuple[str, ...]
    spans: bool


def read(pattern: str) -> Glob:
    """Read a pattern.

    Raises:
        ValueError: brackets or braces do not match, or there are too many stars; the text says which.
    """
    reader = _Reader(pattern)
    pieces = reader.pieces()
    begin = "^" if pattern.startswith("/") else "(^|/)"
    folders = (ANYWHERE,) if reader.unclear else _folders(begin, pieces)
    return Glob(f"{begin}{''.join(p.text for p in pieces)}$", folders, reader.spans)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of an expression; `cut` if a folder may end there."""

    text: str
    cut: bool = False


SLASH: Final = _Piece("/", cut=True)
TREE: Final = _Piece("(?s:.*)", cut=True)  # names may hold newlines
NAME: Final = _Piece("[^/]*")


_SINGLE: Final = {"?": "[^/]", **{c: f"\\{c}" for c in ".+()|^$"}}


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = 0
    spans: bool = False
    unclear: bool = False  # which folders can hold a match cannot be told
    made: list[_Piece] = field(default_factory=list[_Piece])

    def pieces(self) -> list[_Piece]:
        self.at = 1 if self.text.startswith("/") else 0
        while self.at < len(self.text):
            self._next(self.text[self.at])
        if self.depth:
            raise ValueError("a { lacks its }")
        return self.made

    def _next(self, c: str) -> None:
        if c == "*":
            self._stars()
        elif c == "[":
            self._class()
        elif c == "\\":
            self._escape()
        elif c in "{},":
            self._choice(c)
        elif c == "]":
            raise ValueError("a ] has no [ before it")
        elif c == "/":
            self._slash(1)
        else:
            self._took(1, _SINGLE.get(c, c))

    def _took(self, length: int, text: str) -> None:
        self.made.append(_Piece(text))
        self.at += length

    def _slash(self, length: int) -> None:
        self.made.append(SLASH)
        self.unclear = self.unclear or self.depth > 0
        self.at += length

    def _stars(self) -> None:
        rest = self.text[self.at :]
        count = len(rest) - len(rest.lstrip("*"))
        if count > 2:  # noqa: PLR2004  # * and ** are all there is
            raise ValueError("there are more than two stars in a row")
        self.made.append(NAME if count == 1 else TREE)
        self.spans = self.spans or count > 1
        self.unclear = self.unclear or (count > 1 and self.depth > 0)
        self.at += count

    def _class(self) -> None:
        """Everything up to the bracket that closes this one."""
        depth = 0
        for end in range(self.at, len(self.text)):
            depth += {"[": 1, "]": -1}.get(self.text[end], 0)
            if not depth:
                break
        else:
            raise ValueError("a [ lacks its ]")
        inside = self.text[self.at : end + 1]
        self.unclear = self.unclear or "/" in inside
        self._took(len(inside), inside)

    def _escape(self) -> None:
        if self.text.startswith("\\/", self.at):
            self._slash(2)
        elif self.at + 1 == len(self.text):
            raise ValueError("it ends with a single \\")
        else:
            self._took(2, self.text[self.at : self.at + 2])

    def _choice(self, c: str) -> None:
        if c == "{" and self.text.startswith("{{", self.at):
            self._regexp()
        elif c == "{":
            self.unclear = self.unclear or self.depth > 0
            self.depth += 1
            self._took(1, "(")
        elif c == ",":
            self._took(1, "|" if self.depth else ",")
        elif self.depth:
            self.depth -= 1
            self._took(1, ")")
        else:
            raise ValueError("a } has no { before it")

    def _regexp(self) -> None:
        """A regular expression ends with the last brace of the first run of two or more."""
        end = self.text.find("}}", self.at + 2)
        if end < 0:
            raise ValueError("a {{ lacks its }}")
        while self.text.startswith("}", end + 2):
            end += 1
        self.unclear = True
        self._took(end + 2 - self.at, f"({self.text[self.at + 2 : end]})")


def _folders(begin: str, pieces: list[_Piece]) -> tuple[str, ...]:
    """The pattern, cut off after each slash and each `**`: every folder on the way to a match fits one of these."""
    if begin != "^" and not any(p.cut for p in pieces):
        return (ANYWHERE,)
    found: list[str] = []
    way: list[str] = []
    for piece in pieces:
        if piece is SLASH and way and way[-1] == "/":
            continue  # rclone reads two slashes as one here
        way.append(piece.text)
        if piece.cut:
            found.append(begin + "".join(way) + ("" if piece is SLASH else "/") + "$")
    return tuple(dict.fromkeys(found))
