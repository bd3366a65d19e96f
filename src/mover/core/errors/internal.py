"""Something of Mover's own is at fault: its files, its seals, its connectors."""

from __future__ import annotations

from mover.core.errors.base import MoverError


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
