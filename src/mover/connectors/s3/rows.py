"""The rows of a listing as stores write them, read without a parser.

A million objects are a million rows of one form. Reading that form by a pattern takes a fifth of the time that XML takes; an answer that
has another form in any row is left to the parser.
"""

from __future__ import annotations

import re
from typing import Final

_OPEN: Final = b"<Contents>"
_CLOSE: Final = b"</Contents>"
_ROW: Final = re.compile(
    r"<Contents><Key>([^<&]*)</Key><LastModified>([^<&]*)</LastModified><ETag>(?:&quot;|&#34;|\")?([^<&\"]*)(?:&quot;|&#34;|\")?</ETag>"
    r"(?:<Checksum\w+>[^<]*</Checksum\w+>)*<Size>(\d+)</Size>(?:<StorageClass>[^<]*</StorageClass>)?</Contents>"
)

Rows = list[tuple[str, str, str, str]]
"""Key, time, ETag (without its quotes) and size as they are written."""


def split(body: bytes) -> tuple[bytes, Rows] | None:
    """An answer without its rows, and the rows; `None` if a row is not of the usual form."""
    begin, end = body.find(_OPEN), body.rfind(_CLOSE) + len(_CLOSE)
    if begin < 0 or b"<!" in body:
        return None
    try:
        between = body[begin:end].decode()
    except UnicodeDecodeError:
        return None
    rows: Rows = _ROW.findall(between)
    if len(rows) != between.count("<Contents") or "<CommonPrefixes" in between:
        return None
    return body[:begin] + body[end:], rows
