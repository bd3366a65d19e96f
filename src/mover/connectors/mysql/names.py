"""Names of databases and tables as names of files, and the other way; where each file stands in the tree."""

from __future__ import annotations

import re
from typing import Final

SYSTEM: Final = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
"""Databases that are the server's own."""

DATABASE: Final = "000-database.sql"
SEQUENCES: Final = "050-sequences.sql"
TABLES: Final = "100-tables"
TABLE: Final = "000-table.sql"
ROUTINES: Final = "200-routines.sql"
VIEWS: Final = "300-views.sql"
TRIGGERS: Final = "400-triggers.sql"
EVENTS: Final = "500-events.sql"

_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f%/\\:*?"<>|]|^[. ]|[. ]$')


def encoded(name: str) -> str:
    """A file name for an identifier: characters that a file system may refuse become `%XX`. Different names stay different."""
    return _UNSAFE.sub(lambda m: f"%{ord(m[0]):02X}", name)


def decoded(name: str) -> str:
    """The identifier behind a file name."""
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), name)


def data_file(number: int) -> str:
    """The name of a table's chunk; numbered from 1. The letter makes millions of chunks still sort by number."""
    digits = str(number).zfill(6)
    return f"data-{'z' * (len(digits) - 6)}{digits}.sql"
