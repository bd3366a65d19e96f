"""SQL literals that mean the same under every `sql_mode` and every client character set."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Literal = Callable[[bytes], bytes]
"""Makes the literal of a value as the server sends it in its text protocol, unconverted."""

NUMBERS: Final = frozenset(
    [
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "integer",
        "bigint",
        "decimal",
        "numeric",
        "float",
        "double",
        "real",
        "year",
    ]
)
"""Types that are written as the server prints them."""

PLAIN: Final = frozenset(["date", "time", "datetime", "timestamp", "json", "uuid", "inet4", "inet6"])
"""Types without a character set that are written as text."""

_UTF8: Final = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})

_ASCII_BASED: Final = frozenset(
    {
        "armscii8",
        "big5",
        "binary",
        "cp1250",
        "cp1251",
        "cp1256",
        "cp1257",
        "cp850",
        "cp852",
        "cp866",
        "eucjpms",
        "euckr",
        "gb18030",
        "gb2312",
        "gbk",
        "geostd8",
        "greek",
        "hebrew",
        "keybcs2",
        "koi8r",
        "koi8u",
        "latin1",
        "latin2",
        "latin5",
        "latin7",
        "macce",
        "macroman",
        "tis620",
        "ujis",
    }
)
"""Character sets in which a string of ASCII bytes is that ASCII text."""

_AWKWARD: Final = re.compile(rb"[\\\x00\r\x1a]")
"""Bytes that some `sql_mode` or some client reads in its own way; strings with them are written in hexadecimal."""

_NUMBER: Final = re.compile(rb"-?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")


def identifier(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A string literal of UTF-8 text."""
    return _utf8(value.encode()).decode()


def literal_of(data_type: str, charset: str | None) -> Literal:
    """The writer for a column of that type (`information_schema.COLUMNS.DATA_TYPE`) and character set."""
    if data_type in NUMBERS:
        return _number
    if charset is None:
        return _utf8 if data_type in PLAIN else _binary
    if charset in _UTF8:
        return _utf8
    return _foreign(charset)


def _number(value: bytes) -> bytes:
    if _NUMBER.fullmatch(value) is None:
        raise ValueError(f"no number: {value[:40]!r}")
    return value


def _utf8(value: bytes) -> bytes:
    if _AWKWARD.search(value) is None:
        return b"'" + value.replace(b"'", b"''") + b"'"
    return b"_utf8mb4 x'" + value.hex().encode() + b"'"


def _binary(value: bytes) -> bytes:
    return b"x'" + value.hex().encode() + b"'"


def _foreign(charset: str) -> Literal:
    prefix = f"_{charset} x'".encode()
    ascii_based = charset in _ASCII_BASED

    def literal(value: bytes) -> bytes:
        if ascii_based and value.isascii() and _AWKWARD.search(value) is None:
            return b"'" + value.replace(b"'", b"''") + b"'"
        return prefix + value.hex().encode() + b"'"

    return literal
