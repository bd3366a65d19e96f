"""What the server's error numbers mean to us.

Numbers: MySQL's "Server Error Message Reference" and "Client Error Message Reference"; MariaDB's "Error Codes".
"""

from __future__ import annotations

import re
import ssl
from typing import Final

from pymysql.err import Error

from mover.core.errors import (
    BadCredentials,
    Changed,
    Conflict,
    Denied,
    Full,
    Locked,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unreachable,
    Untrusted,
)

SERVER_SAYS: Final[dict[int, type[MoverError]]] = {
    1045: BadCredentials,  # access denied for user
    1251: BadCredentials,  # the server asks for another authentication protocol
    1698: BadCredentials,  # access denied (unix_socket)
    1820: BadCredentials,  # must set a new password
    1862: BadCredentials,  # password expired
    3118: BadCredentials,  # account locked
    4151: BadCredentials,  # account locked (MariaDB)
    3159: BadCredentials,  # only TLS is allowed for this account
    1130: Denied,  # this host is not allowed
    1044: Denied,
    1142: Denied,
    1143: Denied,
    1227: Denied,  # needs SUPER, SET USER, ...
    1290: Denied,  # --read-only and the like
    1370: Denied,
    1419: Denied,  # binary log on and no SUPER
    1792: Denied,
    1049: NotFound,
    1146: NotFound,
    1305: NotFound,
    1360: NotFound,
    1539: NotFound,
    1050: Conflict,
    1062: Conflict,
    1347: Conflict,  # a table stands where a view belongs
    1965: Conflict,  # the same, MariaDB
    1054: Conflict,  # the table lacks a column
    1136: Conflict,
    1412: Changed,  # table definition has changed
    1020: Changed,  # record has changed since last read
    1205: Locked,
    1213: Locked,
    3572: Locked,
    1040: Throttled,
    1203: Throttled,
    1226: Throttled,
    1021: Full,
    1114: Full,
    1030: Full,  # only when the storage engine's number says so: `_class_of`
    3675: Full,
    1053: Unreachable,
    1077: Unreachable,
    1152: Unreachable,
    1158: Unreachable,
    1159: Unreachable,
    1160: Unreachable,
    1161: Unreachable,
    1317: Unreachable,
    1927: Unreachable,
    2002: Unreachable,
    2003: Unreachable,
    2005: Unreachable,
    2006: Unreachable,
    2013: Unreachable,
    2055: Unreachable,
    2026: Untrusted,  # TLS is required and the server has none
}
"""Everything else is `Refused`: the server's own words tell why, and it will say so again."""

_WORDS: Final = 300
_NO_SPACE: Final = re.compile(r"\b(?:28|122|135|136)\b|No space|disk full", re.IGNORECASE)


def translated(problem: Exception, item: str | None = None) -> MoverError:
    """The error of ours that a failure of the library or the server is. Its text holds the server's number and words."""
    if (origin := _tls_failure(problem)) is not None:
        return Untrusted(f"the server's certificate does not hold: {origin}", item=item)
    number, words = _said(problem)
    if number == 0 and not isinstance(problem, Error):
        return Unreachable(f"the connection failed: {_short(words)}", item=item)
    return _class_of(number, words)(f"the server says {number}: {_short(words)}", item=item)


def _class_of(number: int, words: str) -> type[MoverError]:
    if number in (1005, 1030, 1296, 3, 20):
        return Full if _NO_SPACE.search(words) else Refused
    return SERVER_SAYS.get(number, Refused)


def _tls_failure(problem: BaseException) -> str | None:
    origin = getattr(problem, "original_exception", problem)
    if isinstance(origin, ssl.SSLCertVerificationError):
        return str(getattr(origin, "verify_message", origin))
    return str(origin) if isinstance(origin, ssl.SSLError) and "CERTIFICATE" in str(origin) else None


def _said(problem: Exception) -> tuple[int, str]:
    args: tuple[object, ...] = problem.args
    number = args[0] if args and isinstance(args[0], int) and isinstance(problem, Error) else 0
    return number, str(args[1] if len(args) > 1 else problem)


def _short(words: str) -> str:
    return words if len(words) <= _WORDS else words[:_WORDS] + "..."
