"""rclone's patterns (https://rclone.org/filtering/#pattern-syntax), read into regular expressions in RE2's syntax.

`*` and `?` stop at a slash, `**` does not; `[a-z]` is a class, `{a,b}` a choice, `{{...}}` a regular expression; a leading slash ties the
pattern to the root, else it may begin at any name. What the manual leaves open was settled by asking rclone 1.75 itself: `[!a]` is no
negation (`[^a]` is), and a `]` in a class cannot be escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

ANYWHERE: Final = "^"
"""The expression that every folder fits."""

LONGEST: Final = 16 << 10
"""Characters of a pattern."""


class Glob(NamedTuple):
    """A pattern that has been read. The expressions are to be searched for in a path; their `.` is any character.

    `files` is for paths of files. `folders` is for paths of folders with a closing slash: every folder on the way to a match fits it;
    `None` if matches lie in the root alone. `spans` says that the pattern has a `**`, so that it can match whole trees.
    """

    files: str
    folders: str | None
    spans: bool


def read(pattern: str) -> Glob:
    """Read a pattern.

    Raises:
        ValueError: brackets or braces do not match, there are too many stars, or it is too long; the text says which.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters: make several rules of it")
    pieces = list(_pieces(pattern))
    begin = "^" if pattern.startswith("/") else "(^|/)"
    return Glob(
        files=f"{begin}{''.join(piece.text for piece in pieces)}$",
        folders=ANYWHERE if _hides_folders(pattern, pieces) else _folders(begin, pieces),
        spans=any(piece.kind == "tree" for piece in pieces),
    )


_PIECE: Final = re.compile(
    r"""
      (?P<regexp> \{\{ (?P<inside> .*? ) \}\} (?!\}) )
    | (?P<tree>   \*\* (?!\*) )
    | (?P<part>   \* (?!\*) )
    | (?P<one>    \? )
    | (?P<slash>  (?: \\?/ )+ )
    | (?P<open>   \{ (?!\{) )
    | (?P<comma>  , )
    | (?P<close>  \} )
    | (?P<class>  \[ (?: [^\[\]] | \[:\^?\w+:\] )* \] )
    | (?P<escape> \\[^QE] )
    | (?P<text>   [^*?/{,}\[\]\\]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_TEXTS: Final = {
    "tree": ".*",
    "part": "[^/]*",
    "one": "[^/]",
    "open": "(",
    "close": ")",
}
_WRONG: Final = {
    "*": "there are more than two stars in a row",
    "[": "a [ lacks its ]",
    "]": "a ] has no [ before it",
    "{": "a {{ lacks its }}",
    "\\": "a \\ has no character to stand before (\\Q and \\E are for {{...}} alone)",
}
_NESTED: Final = re.compile(r"\{[^}]*\{")  # of any kind: rclone takes two escaped braces for nested ones, too


class _Piece(NamedTuple):
    kind: str
    text: str
    depth: int  # how many braces are open around it


def _pieces(pattern: str) -> Iterator[_Piece]:
    at, depth = len("/") if pattern.startswith("/") else 0, 0
    while at < len(pattern):
        found = _PIECE.match(pattern, at)
        if found is None:
            raise ValueError(_WRONG[pattern[at]])
        kind = found.lastgroup or ""
        depth -= kind == "close"
        if depth < 0:
            raise ValueError("a } has no { before it")
        yield _Piece(kind, _expression(kind, found, depth), depth)
        depth += kind == "open"
        at = found.end()
    if depth:
        raise ValueError("a { lacks its }")


def _expression(kind: str, found: re.Match[str], depth: int) -> str:
    if kind == "regexp":
        return f"({found['inside']})"
    if kind == "comma":
        return "|" if depth else ","
    if kind == "slash":
        return found[0].replace("\\", "")
    if kind == "text":
        return re.sub(r"[.+()|^$]", r"\\\g<0>", found[0])
    return _TEXTS.get(kind, found[0])


def _hides_folders(pattern: str, pieces: Sequence[_Piece]) -> bool:
    """Whether the folders on the way to a match cannot be told from the pattern (rclone's answer, too)."""
    return bool(_NESTED.search(pattern)) or any(
        (piece.depth and piece.kind in ("open", "slash", "tree")) or (piece.kind == "class" and "/" in piece.text)
        for piece in pieces
    )


def _folders(begin: str, pieces: Sequence[_Piece]) -> str | None:
    """`^a/(b/(c/)?)?$` for `/a/b/c/name`. Any folder may follow a `**`."""
    steps: list[str] = []
    step = ""
    for kind, text, _ in pieces:
        step += "" if kind == "slash" else text
        if kind in ("slash", "tree"):
            steps.append(f"{step}/")
            step = ""
    if not steps:
        return None if begin == "^" else ANYWHERE
    return f"{begin}{'('.join(steps)}{')?' * (len(steps) - 1)}$"
