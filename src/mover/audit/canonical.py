"""JSON that has one form only, and the bounds of what the log takes.

Source: RFC 8785 (JSON Canonicalization Scheme). We allow less than it: whole numbers, names in ASCII, real text, and little enough of
everything, so that no input can make an entry long, deep or ambiguous. Of that, Python's own `json` writes the canonical form (what is
hard in the RFC, floats and the order of names beyond U+FFFF, is not allowed); the tests hold it against the library `rfc8785`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from mover.core.errors import NotLoggable
from mover.core.secret import Secret

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]
"""What details are made of. A float is not among them: its text differs between languages."""

DEEPEST: Final = 4
"""How many lists and objects may stand in one another."""
MOST_VALUES: Final = 200
LONGEST_TEXT: Final = 1024
"""Characters of one text; `tidy` makes it fit."""
LONGEST: Final = 8192
"""Bytes of the canonical form of one act."""

_LARGEST: Final = 2**53 - 1
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_PLAIN: Final = (str, int, bool, type(None))


def canonical(value: Json) -> bytes:
    """The canonical bytes of `value`: UTF-8, one line, at most `LONGEST` bytes.

    Raises:
        NotLoggable: a secret, a float, bytes, text that is not Unicode, a number beyond 2^53 - 1, or too much or too deep of it.
    """
    _check(value)
    written = write(value)
    if len(written) > LONGEST:
        raise NotLoggable(f"{len(written)} bytes are too many for the audit log: {LONGEST} at most")
    return written


def write(value: Json) -> bytes:
    """The same for a value that `canonical` took before, without looking at it again."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def tidy(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` as the log takes it, whoever wrote it: cut to `longest` characters, what is no printable character replaced by U+FFFD."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in cut)


def _check(value: object) -> None:
    """Walk without recursion, so that depth is a number to compare and not a crash."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    count = 0
    while waiting:
        found, depth = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise NotLoggable(f"more than {MOST_VALUES} values are too many for one entry of the audit log")
        if type(found) in _PLAIN:
            _check_plain(cast("str | int | None", found))
            continue
        if depth == DEEPEST:
            raise NotLoggable(f"details of the audit log are at most {DEEPEST} deep")
        inside = list(_inside(found, MOST_VALUES))
        waiting.extend((each, depth + 1) for each in inside)


def _inside(found: object, most: int) -> Iterator[object]:
    if isinstance(found, Secret):
        raise NotLoggable("a secret was to be written to the audit log: only its name may be")
    if type(found) is dict:
        holder = cast("dict[object, object]", found)
        if any(type(key) is not str or not key.isascii() for key in holder):
            raise NotLoggable("a name in details of the audit log is not ASCII text")
        values = [*holder.keys(), *holder.values()]
    elif type(found) in (list, tuple):
        values = list(cast("list[object]", found))
    else:
        raise NotLoggable(
            f"a {type(found).__name__} cannot be written to the audit log: text, whole numbers, yes, no and nothing can"
        )
    if len(values) > most:
        raise NotLoggable(f"more than {most} values are too many for one entry of the audit log")
    yield from values


def _check_plain(value: str | int | None) -> None:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise NotLoggable(
                f"a text of {len(value)} characters is too long for the audit log: {LONGEST_TEXT} at most"
            )
        if _NO_TEXT.search(value):
            raise NotLoggable("a text for the audit log holds a zero character or half a character (a surrogate)")
    elif value is not None and not -_LARGEST <= value <= _LARGEST:
        raise NotLoggable("a number for the audit log is beyond 2^53 - 1, which other languages cannot read exactly")
