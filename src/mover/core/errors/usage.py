"""What was asked cannot be done as asked."""

from __future__ import annotations

from mover.core.errors.base import MoverError


class UsageError(MoverError):
    """What was asked cannot be done as asked."""

    code = "usage"
    http_status, exit_code = 400, 2
    advice = "See --help."


class BadOption(UsageError):
    """An option is unknown, missing or of the wrong kind."""

    code = "bad-option"
    advice = (
        "Correct it: --help of the command lists its options, "
        "and `mover connection add <provider> --help` those of a connection."
    )


class BadAddress(UsageError):
    """An address cannot be read."""

    code = "bad-address"
    advice = "Use name:path for a saved connection, a URL such as sftp://user@host/path, or a local path."


class NotEncrypted(UsageError):
    """An unencrypted connection that nobody consented to."""

    code = "not-encrypted"
    http_status = 422
    advice = (
        "Use the encrypted form if the server has one. Otherwise accept it openly: --allow-unencrypted with a connection that is saved, "
        "--source-option or --destination-option allow_unencrypted=true with an address."
    )


class UnknownConnection(UsageError):
    """No saved connection has that name."""

    code = "unknown-connection"
    http_status, exit_code = 404, 4
    advice = "`mover connection list` shows the saved connections."


class ConnectionExists(UsageError):
    """A saved connection has that name already."""

    code = "connection-exists"
    http_status = 409
    advice = "Choose another name, or remove the other connection first; `add` and `import` take --replace."


class UnknownRun(UsageError):
    """No run has that number."""

    code = "unknown-run"
    http_status, exit_code = 404, 4
    advice = "`mover run list` shows the runs."


class RunBusy(UsageError):
    """Another process works on the run."""

    code = "run-busy"
    http_status, exit_code = 409, 5
    advice = "Wait for the other process, or stop it; then resume the run."
