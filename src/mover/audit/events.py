"""What is logged: every event, whom or what it is about, and the details it carries.

An event takes the details named here and no others; that keeps secrets and contents out by construction. Names are stable and public:
add new ones, and never change what one means or must carry: entries
of years ago are read by it.
"""

from __future__ import annotations

from enum import Enum


class Actor(Enum):
    """What kind of one did it."""

    ACCOUNT = "account"
    API_KEY = "api-key"
    RUNNER = "runner"
    MACHINE = "machine"
    """Somebody at the command line of the server itself; the id is the system's user name."""
    SYSTEM = "system"
    """Mover by itself: a schedule, an expiry. The id is the part of it."""
    NOBODY = "nobody"
    """Not signed in, or not yet."""


class Subject(Enum):
    """What kind of thing it was done to."""

    ACCOUNT = "account"
    TEAM = "team"
    CONNECTION = "connection"
    API_KEY = "api-key"
    MIGRATION = "migration"
    RUN = "run"
    SCHEDULE = "schedule"
    RUNNER = "runner"
    GRANT = "grant"
    KEYS = "keys"
    SETTINGS = "settings"
    LOG = "log"
    ROUTE = "route"


class Event(Enum):
    """One kind of event: its public name, a sentence, its subject, the details it must carry and those it may."""

    SIGNED_IN = ("signed-in", "Somebody signed in.", Subject.ACCOUNT, ("method",), ("second_factor", "client"))
    SIGN_IN_FAILED = ("sign-in-failed", "Somebody could not sign in; the subject is the name that was given.",
        Subject.ACCOUNT, ("method", "reason"), ("client",))  # fmt: skip
    SIGNED_OUT = ("signed-out", "A session ended.", Subject.ACCOUNT, ("cause",), ())
    SIGN_IN_CHANGED = ("sign-in-changed", "A password, passkey, one-time code or recovery code was set or removed.",
        Subject.ACCOUNT, ("method", "change"), ("name",))  # fmt: skip
    ACCESS_DENIED = ("access-denied", "Somebody signed in asked for what their role does not allow.",
        Subject.ROUTE, ("action",), ("reason",))  # fmt: skip

    ACCOUNT_CREATED = ("account-created", "An account was made.", Subject.ACCOUNT, ("role",), ("team", "by"))
    ACCOUNT_REMOVED = ("account-removed", "An account was removed, its connections and keys with it.",
        Subject.ACCOUNT, ("connections",), ("reason",))  # fmt: skip
    ACCOUNT_CHANGED = ("account-changed", "An account was disabled or enabled.", Subject.ACCOUNT, ("change",), ())
    ROLE_CHANGED = ("role-changed", "An account has another role.", Subject.ACCOUNT, ("before", "after"), ("team",))
    TEAM_CHANGED = (
        "team-changed",
        "A team was made, changed or removed.",
        Subject.TEAM,
        ("change",),
        ("account", "name"),
    )

    CONNECTION_ADDED = ("connection-added", "A connection was added.",
        Subject.CONNECTION, ("provider", "channel"), ("name", "owner"))  # fmt: skip
    CONNECTION_CHANGED = ("connection-changed", "Options or credentials of a connection were changed; only their names are kept.",
        Subject.CONNECTION, ("changed",), ("name",))  # fmt: skip
    CONNECTION_REMOVED = ("connection-removed", "A connection was removed and its credentials were erased.",
        Subject.CONNECTION, ("provider",), ("name", "revoked"))  # fmt: skip
    CONNECTION_USED = ("connection-used", "The credentials of a connection were opened and sealed to a runner, or refreshed.",
        Subject.CONNECTION, ("purpose",), ("run", "runner"))  # fmt: skip

    API_KEY_CREATED = ("api-key-created", "A key of the public API was made.",
        Subject.API_KEY, ("prefix", "scopes", "expires"), ("name", "owner"))  # fmt: skip
    API_KEY_REVOKED = (
        "api-key-revoked",
        "A key of the public API works no more.",
        Subject.API_KEY,
        ("prefix", "cause"),
        (),
    )

    MIGRATION_CREATED = ("migration-created", "A migration was set up.", Subject.MIGRATION, ("pairs",), ("name",))
    MIGRATION_CHANGED = ("migration-changed", "A migration's pairs or options were changed.",
        Subject.MIGRATION, ("changed",), ("name",))  # fmt: skip
    MIGRATION_REMOVED = ("migration-removed", "A migration was removed.", Subject.MIGRATION, (), ("name",))
    RUN_STARTED = ("run-started", "A run began.", Subject.RUN, ("migration",), ("cause", "schedule"))
    RUN_PAUSED = ("run-paused", "A run was paused.", Subject.RUN, ("migration", "cause"), ())
    RUN_RESUMED = ("run-resumed", "A run goes on.", Subject.RUN, ("migration",), ("cause",))
    RUN_STOPPED = ("run-stopped", "A run was asked to stop.", Subject.RUN, ("migration", "cause"), ())
    RUN_ENDED = ("run-ended", "A run ended; its counts add up to what was found.", Subject.RUN,
        ("migration", "state", "found", "copied", "same", "filtered", "unfit", "failed"), ("bytes",))  # fmt: skip
    SCHEDULE_CHANGED = ("schedule-changed", "A schedule was made, changed, switched or removed.",
        Subject.SCHEDULE, ("change", "migration"), ("rule", "time_zone"))  # fmt: skip

    RUNNER_TOKEN_CREATED = ("runner-token-created", "A one-time token was made by which a runner can join.",
        Subject.RUNNER, ("pool", "expires"), ())  # fmt: skip
    RUNNER_ENROLLED = ("runner-enrolled", "A runner was enrolled with a one-time token.",
        Subject.RUNNER, ("pool", "public_half"), ("name", "version"))  # fmt: skip
    RUNNER_REMOVED = ("runner-removed", "A runner may lease nothing any more.", Subject.RUNNER, ("cause",), ("name",))

    BREAK_GLASS_REQUESTED = ("break-glass-requested", "Access to content or credentials was asked for.",
        Subject.GRANT, ("reason", "case", "scope", "expires"), ("consent",))  # fmt: skip
    BREAK_GLASS_APPROVED = ("break-glass-approved", "Somebody other than the requester allowed it.",
        Subject.GRANT, ("requester", "basis"), ("sealed_by_law",))  # fmt: skip
    BREAK_GLASS_REFUSED = ("break-glass-refused", "A grant was refused, or used beyond what it allows.",
        Subject.GRANT, ("reason",), ("requester",))  # fmt: skip
    BREAK_GLASS_USED = ("break-glass-used", "A grant opened something.", Subject.GRANT, ("action", "target"), ("case",))
    BREAK_GLASS_ENDED = ("break-glass-ended", "A grant expired or was ended.", Subject.GRANT, ("cause",), ("uses",))

    KEYS_ROTATED = (
        "keys-rotated",
        "A layer of keys was replaced.",
        Subject.KEYS,
        ("layer",),
        ("before", "after", "records"),
    )
    KEYS_SHREDDED = ("keys-shredded", "The keys of an account were destroyed: what they sealed can never be opened again.",
        Subject.KEYS, ("account",), ())  # fmt: skip
    SETTINGS_CHANGED = ("settings-changed", "Settings of the service were changed; only their names are kept.",
        Subject.SETTINGS, ("changed",), ())  # fmt: skip
    LOG_READ = ("log-read", "Somebody looked into the audit log.", Subject.LOG, (), ("filter",))
    LOG_EXPORTED = ("log-exported", "The audit log was exported.", Subject.LOG, ("size",), ("target",))
    BACKUP_MADE = ("backup-made", "A backup was made.", Subject.SETTINGS, (), ("target",))
    BACKUP_RESTORED = ("backup-restored", "The database was put back from a backup: the log goes on from there.",
        Subject.SETTINGS, ("made",), ())  # fmt: skip

    def __init__(self, code: str, says: str, subject: Subject, must: tuple[str, ...], may: tuple[str, ...]) -> None:
        self.code = code
        """The stable, public name."""
        self.says = says
        self.subject = subject
        self.must = frozenset(must)
        """Names of details that are always there."""
        self.may = frozenset(may)
        """Names of details that can be there too."""


BY_CODE = {event.code: event for event in Event}
"""Every event by its public name."""
