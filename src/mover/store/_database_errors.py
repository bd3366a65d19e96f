"""What PostgreSQL and its driver say, in terms of `core.errors`: a state's code decides (postgresql.org/docs/18/errcodes-appendix.html)."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import exc

from mover.core.errors import (
    DatabaseContended,
    DatabaseFailed,
    DatabaseFull,
    DatabaseRefused,
    DatabaseUnreachable,
    DatabaseUntrusted,
    RowConflict,
)

_BY_STATE: Final[tuple[tuple[str, type[DatabaseFailed]], ...]] = (
    ("08", DatabaseUnreachable),
    ("57P", DatabaseUnreachable),  # shut down, crashed, starting
    ("53100", DatabaseFull),
    ("53", DatabaseContended),  # connections, memory
    ("25P03", DatabaseContended),  # idle in a transaction
    ("25P04", DatabaseContended),  # a transaction took too long
    ("40", DatabaseContended),  # serialization, deadlock
    ("55P03", DatabaseContended),  # lock_timeout
    ("57014", DatabaseContended),  # statement_timeout
    ("28", DatabaseRefused),
    ("3D000", DatabaseRefused),  # no such database
    ("42501", DatabaseRefused),  # not granted
    ("23505", RowConflict),
    ("23503", RowConflict),
    ("23P01", RowConflict),
)

_VALUES: Final = ("22", "23", "P0", "44")
"""Classes whose messages hold values of rows or parameters, which may be private."""

_BY_WORDS: Final[tuple[tuple[re.Pattern[str], type[DatabaseFailed]], ...]] = (
    (
        re.compile(
            r"certificate verify failed|does not match host name|does not support SSL|root certificate|host name must be"
        ),
        DatabaseUntrusted,
    ),
    (re.compile(r"too many clients|connection slots|too many connections"), DatabaseContended),
    (re.compile(r"starting up|shutting down|not yet accepting|recovery mode"), DatabaseUnreachable),
    (
        re.compile(
            r"authentication failed|no password supplied|no pg_hba\.conf entry|(role|database) \".*\" does not exist|permission denied"
            r"|client certificate|certificate file|private key|tlsv1\w* alert|SSL alert|not permitted to log in|pg_hba\.conf rejects",
        ),
        DatabaseRefused,
    ),
)
"""A connection that fails has no state's code: libpq gives words only. Unknown words mean that the server cannot be reached."""

_LONGEST: Final = 500


@contextmanager
def translated(place: str) -> Generator[None]:
    """Errors of database and driver leave the block as errors of ours, which name the place and no value, password or parameter.

    Raises:
        DatabaseFailed: or one of its kinds.
    """
    # Nothing is chained as the cause: its text has the row's values.
    try:
        yield
    except exc.TimeoutError:
        raise DatabaseContended(f"{place}: all connections of this process are in use") from None
    except exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        raise _translation(place, error.orig) from None
    except psycopg.Error as error:
        raise _translation(place, error) from None


def _translation(place: str, error: psycopg.Error) -> DatabaseFailed:
    state = error.sqlstate
    if state is None:
        return _by_words(place, error)
    kind = next((kind for prefix, kind in _BY_STATE if state.startswith(prefix)), DatabaseFailed)
    diag = error.diag
    said = type(error).__name__ if state.startswith(_VALUES) else diag.message_primary or type(error).__name__
    where = [f"{what} {name}" for what, name in (("table", diag.table_name), ("column", diag.column_name)) if name]
    where += [f"constraint {diag.constraint_name}"] if diag.constraint_name else []
    at = f" ({', '.join(where)})" if where else ""
    made = kind(f"{place}: {said}{at} [{state}]"[:_LONGEST])
    if isinstance(made, RowConflict):
        made.constraint = diag.constraint_name
    return made


def _by_words(place: str, error: psycopg.Error) -> DatabaseFailed:
    said = re.sub(r"\s+", " ", str(error)).strip()
    if not isinstance(error, psycopg.OperationalError):
        return DatabaseFailed(f"{place}: {type(error).__name__}")
    kind = next((kind for words, kind in _BY_WORDS if words.search(said)), DatabaseUnreachable)
    return kind(f"{place}: {said}"[:_LONGEST])
