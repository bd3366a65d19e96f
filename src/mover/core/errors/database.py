"""Mover's own database is away, refuses, is not fit, or says no to a change."""

from __future__ import annotations

from mover.core.errors.base import MoverError, Retry


class DatabaseFailed(MoverError):
    """Mover's database failed."""

    code = "database-failed"
    http_status, exit_code = 500, 1
    advice = "The log of the database says more (`postgres.log` in its folder, for the one that Mover runs itself)."


class DatabaseUnreachable(DatabaseFailed):
    """Mover's database does not answer."""

    code = "database-unreachable"
    retry = Retry.SOON
    http_status, exit_code = 503, 5
    advice = "Nothing is lost: Mover goes on once the database answers. Check that it runs, and its address."


class DatabaseContended(DatabaseFailed):
    """Others work on the same rows, or too many work at once."""

    code = "database-contended"
    retry = Retry.SOON
    http_status, exit_code = 503, 5
    advice = "Try again. If it stays so, look for a long transaction at the database (pg_stat_activity)."


class DatabaseRefused(DatabaseFailed):
    """Mover's database does not let Mover in, or not do what it must."""

    code = "database-refused"
    http_status, exit_code = 500, 7
    advice = "Check user, password and certificates of database_url, and what that user was granted."


class DatabaseUntrusted(DatabaseFailed):
    """The database's server did not prove who it is."""

    code = "database-untrusted"
    http_status, exit_code = 500, 7
    advice = "Name the authority that issued the server's certificate (sslrootcert), and the host as the certificate names it."


class DatabaseUnfit(DatabaseFailed):
    """The database, its folder or its version is not one that this Mover can use."""

    code = "database-unfit"
    http_status, exit_code = 500, 2
    advice = "See docs/database.md."


class DatabaseBusy(DatabaseFailed):
    """Another Mover works with the same database folder."""

    code = "database-busy"
    http_status, exit_code = 409, 5
    advice = "Only one Mover may run on a folder: stop the other one, or give this one a folder of its own."


class DatabaseFull(DatabaseFailed):
    """The database has no room left on its disk."""

    code = "database-full"
    http_status, exit_code = 507, 8
    advice = "Make room on the disk of the database; nothing is lost, and Mover goes on after that."


class RowConflict(DatabaseFailed):
    """A row that must be unique is there already, or one that is needed is not.

    `constraint` is the name of the rule in the schema that said no.
    """

    code = "row-conflict"
    http_status, exit_code = 409, 2
    advice = "Somebody changed the same thing meanwhile: look again."
    constraint: str | None = None
