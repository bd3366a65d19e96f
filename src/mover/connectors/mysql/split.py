"""A dump cut into statements, as the stock client cuts it: quotes, comments, `DELIMITER`.

Source: MariaDB's `client/mysql.cc` (`add_line`). Text in conditional comments (`/*!`, `/*M!`) is code.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from functools import cache
from typing import Final

from mover.core.errors import Refused

STATEMENT_LIMIT: Final = 1 << 30
"""No server takes a longer statement (`max_allowed_packet`)."""

_QUOTED: Final = {quote: re.compile(rb"%c(?:[^%c\\]++|\\.)*+%c" % (quote, quote, quote), re.DOTALL) for quote in b"'\""}
_QUOTED_PLAIN: Final = {quote: re.compile(rb"%c[^%c]*+%c" % (quote, quote, quote)) for quote in b"'\"`"}
_COMMAND: Final = re.compile(rb"delimiter[ \t]+(\S+)[^\n]*(?:\n|\Z)", re.IGNORECASE)
_WORD: Final = 10
"""The longest beginning that must be seen to know what it is: `delimiter` and a blank."""
_START: Final = re.compile(rb"\s*+")


class Splitter:
    """Takes a dump in pieces and gives its statements, without their delimiters.

    `backslash` says whether a backslash escapes in strings; set it false while the session has `NO_BACKSLASH_ESCAPES`. It counts
    from the next statement on.
    """

    def __init__(self) -> None:
        self.backslash = True
        self._delimiter = b";"
        self._text = b""
        self._at = 0  # up to here, `_text` is known to hold no end of the statement
        self._begun = False

    def feed(self, piece: bytes, *, last: bool = False) -> Generator[bytes]:
        """The statements that are whole now; with `last`, the rest is one too. Raises `Refused` if one is too long."""
        self._text += piece
        if len(self._text) > STATEMENT_LIMIT:
            raise Refused("a statement of the dump is longer than any server takes")
        while (self._begun or self._skipped(last=last)) and (end := self._end(last=last)) is not None:
            statement, rest = end
            taken = self._text[:statement].rstrip()
            self._text, self._at, self._begun = self._text[rest:], 0, False
            if taken:
                yield taken

    def _skipped(self, *, last: bool) -> bool:
        """Step over blanks, comments and `DELIMITER` to where a statement begins; false: more text is needed."""
        while True:
            self._text = self._text[_whitespace(self._text) :]
            text = self._text
            if not text or (not last and len(text) < _WORD and b"\n" not in text):
                return False
            if (size := self._ignored(last=last)) is None:
                return False
            if size == 0:
                self._begun = True
                return True
            self._text = text[size:]

    def _ignored(self, *, last: bool) -> int | None:
        """How much of the beginning is a comment or a command; 0: none of it; `None`: not known yet."""
        text = self._text
        if text[:9].lower() == b"delimiter" and text[9:10] in (b" ", b"\t"):
            if b"\n" not in text and not last:
                return None
            if command := _COMMAND.match(text):
                self._delimiter = command[1]
                return command.end()
        token = _tokens(self._delimiter).match(text)
        if token is None or token.lastgroup not in ("line", "block"):
            return 0
        return self._past(token, last=last)

    def _end(self, *, last: bool) -> tuple[int, int] | None:
        """Where the statement ends and where the next one begins."""
        tokens = _tokens(self._delimiter)
        while token := tokens.search(self._text, self._at):
            if not last and token.end() + 3 > len(self._text) and token.lastgroup != "end":
                self._at = token.start()
                return None
            if token.lastgroup == "end":
                return token.start(), token.end()
            past = self._past(token, last=last)
            if past is None:
                self._at = token.start()
                return None
            self._at = past
        if last:
            return len(self._text), len(self._text)
        self._at = max(self._at, len(self._text) - len(self._delimiter) - 3)
        return None

    def _past(self, token: re.Match[bytes], *, last: bool) -> int | None:
        """Where a quoted text or a comment ends; `None`: its end has not come yet."""
        text, start = self._text, token.start()
        end = -1
        if token.lastgroup == "line":
            end = text.find(b"\n", start) + 1 or -1
        elif token.lastgroup == "block":
            end = text.find(b"*/", start + 2)
            end = end + 2 if end >= 0 else -1
        else:
            quote = text[start]
            pattern = _QUOTED[quote] if self.backslash and quote in _QUOTED else _QUOTED_PLAIN[quote]
            if found := pattern.match(text, start):
                end = found.end()
        if end < 0:
            return len(text) if last else None
        return end


def _whitespace(text: bytes) -> int:
    found = _START.match(text)
    return found.end() if found else 0


@cache
def _tokens(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(
        rb"(?P<quote>['\"`])|(?P<line>\#|--(?=[\s\x00]|\Z))|(?P<block>/\*(?!M?!))|(?P<end>"
        + re.escape(delimiter)
        + rb")"
    )
