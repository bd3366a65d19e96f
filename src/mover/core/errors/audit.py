"""What can go wrong with the audit log itself."""

from __future__ import annotations

from mover.core.errors.base import MoverError


class NotLoggable(MoverError):
    """Something was to be logged that the log does not take: not metadata, too much, or not what the event carries."""

    code = "not-loggable"
    http_status, exit_code = 500, 70
    advice = "This is a fault in Mover: what was to be done was not done. Please report it."


class LogDamaged(MoverError):
    """The audit log, or a checkpoint of it, is not what was written."""

    code = "audit-log-damaged"
    http_status, exit_code = 500, 7
    advice = (
        "Change nothing. Keep a copy of the database and of every kept checkpoint, "
        "then run `mover audit verify` with the kept checkpoints: it tells where the log was changed."
    )


class CheckpointRefused(MoverError):
    """A checkpoint cannot be believed: not signed by the log's key, of another log, or not one at all."""

    code = "checkpoint-refused"
    http_status, exit_code = 422, 7
    advice = (
        "Take the checkpoint from where it was kept, and the log's name and verification key from the administrator."
    )


class WitnessFailed(MoverError):
    """A checkpoint could not be taken off the machine."""

    code = "witness-failed"
    http_status, exit_code = 502, 5
    advice = "Until a checkpoint has left the machine, whoever rules the machine can rewrite the log unseen. Mend the witness soon."
