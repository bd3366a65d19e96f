"""Something of Mover's own is at fault: its files, its seals, its connectors."""

from __future__ import annotations

from mover.core.errors.base import MoverError, Retry


class RecordDamaged(MoverError):
    """A file that Mover keeps of its own is cut, changed or cannot be read."""

    code = "record-damaged"
    http_status, exit_code = 500, 1
    advice = "Restore the file from a backup, or move it away and begin anew; files at providers are not touched by it."


class Sealed(MoverError):
    """A sealed thing cannot be opened: it was tampered with, or the key is another one."""

    code = "seal-broken"
    http_status, exit_code = 500, 7
    advice = "Restore the key files or the sealed file from a backup, or connect again."


class Unsupported(MoverError):
    """A capability was used that the connector does not declare."""

    code = "unsupported"


class KeysUnreachable(MoverError):
    """Whoever holds the global key does not answer now; nothing is lost."""

    code = "keys-unreachable"
    retry = Retry.SOON
    http_status, exit_code = 503, 5
    advice = "Check the key service or token and the way to it; what waits for it goes on when it answers."


class KeysRefused(MoverError):
    """Whoever holds the global key does not let Mover use it; nothing is lost."""

    code = "keys-refused"
    http_status, exit_code = 503, 7
    advice = "Give Mover's account at the key service the right to use the key (docs/keys.md lists the rights), or enable the key."
