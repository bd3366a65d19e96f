"""What a server's reply means: a table of codes (RFC 959 §4.2, RFC 2228, RFC 4217) and of the texts that servers give with them."""

from __future__ import annotations

import re
import ssl
from typing import Final

from mover.core.errors import (
    BadCredentials,
    Conflict,
    Denied,
    Full,
    ItemError,
    Locked,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
    Untrusted,
)


class Unclear(ItemError):  # named as its kin in core.errors
    """A refusal without a reason (vsftpd gives none). Never leaves the client: it looks what is there and says it."""

    code = "item-refused"


_LONGEST: Final = 300
_MANY: Final = r"too many|maximum|limit|try again later|try later"
_ROOM: Final = r"no space|not enough space|disk (is )?full|quota|insufficient (disk|storage)|writing to local file"

TABLE: Final[tuple[tuple[str, str, type[MoverError]], ...]] = (
    ("421|530", _MANY, Throttled),
    ("421|425|426|434", r"", Unreachable),
    ("521|533|534|535|536|537", r"", Untrusted),
    ("522|431", r"ssl|tls|prot p|secur|encrypt|session reuse|certificate", Untrusted),
    ("...", r"(ssl/)?tls required", Untrusted),
    ("530|531|332|331|430|532", r"", BadCredentials),
    ("452|552", r"", Full),
    ("...", _ROOM, Full),
    ("4..|5..", r"no such|not found|cannot find|can't find|n[o']t exist|cannot be listed|not a directory", NotFound),
    ("4..|5..", r"permission|access (is )?denied|not permitted|privileges|not allowed|forbidden|read-only", Denied),
    ("4..|5..", r"used by another|in use|busy|locked", Locked),
    (
        "4..|5..",
        r"name too long|syntax is incorrect|(illegal|invalid|bad|prohibited) ((file|path|directory|folder) ?)?name",
        Unfit,
    ),
    ("4..|5..", r"is a directory|not a (regular|plain) file|file exists|already exists|not empty", Conflict),
    ("450", r"", Locked),
    ("550|553|450|451|501", r"", Unclear),
)
"""The first row whose code and text both fit decides; a reply that fits none is `Refused`."""

_ROWS: Final = tuple((re.compile(code), re.compile(text, re.IGNORECASE), kind) for code, text, kind in TABLE)


def error_for(reply: str, *, item: str | None = None) -> MoverError:
    """The error that a reply of 4xx or 5xx stands for. `item` is the path it was about."""
    said = readable(reply)
    # What a server repeats of our own path must not decide: a file may be named "disk full".
    words = _without(reply, item)
    for code, text, kind in _ROWS:
        if code.match(reply[:3]) and text.search(words):
            return kind(f"the server said: {said}", item=item)
    return Refused(f"the server said: {said}", item=item)


def broken(problem: Exception, host: str) -> MoverError:
    """The error that a failing connection stands for."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return Untrusted(f"the certificate of {host} does not hold: {problem.verify_message}")
    if isinstance(problem, ssl.SSLError) and not isinstance(problem, ssl.SSLEOFError):
        return Unreachable(f"TLS with {host} failed: {problem}")
    if isinstance(problem, TimeoutError):
        return Unreachable(f"{host} did not answer in time")
    if isinstance(problem, EOFError):
        return Unreachable(f"{host} closed the connection")
    return Unreachable(f"the connection to {host} failed: {problem}")


def readable(reply: str) -> str:
    """A reply for people: one line of bounded length, its bytes read as UTF-8 where they are."""
    text = reply.encode("latin-1", "replace").decode("utf-8", "replace")
    line = " ".join(part for part in "".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _without(reply: str, item: str | None) -> str:
    if not item:
        return reply[3:]
    bare = reply[3:]
    for form in (item, item.rpartition("/")[2]):
        wired = form.encode("utf-8", "surrogateescape").decode("latin-1")
        bare = bare.replace(f"'{wired}'", " ").replace(f'"{wired}"', " ").replace(f"{wired}:", " ") if form else bare
    return bare
