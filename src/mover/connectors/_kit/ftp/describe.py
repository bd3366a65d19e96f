"""What the specs of `ftp` and `ftps` have in common. Plain data."""

from __future__ import annotations

from typing import Final

from mover.core.model import Algorithm
from mover.core.spec import Cap, Limits, Option

CAPS: Final = (
    Cap.RANGED_READ
    | Cap.RENAME
    | Cap.SET_MODIFIED
    | Cap.KEEPS_MODIFIED
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.PARTS
    | Cap.FIND
)

LIMITS: Final = Limits(forbidden=frozenset("/\x00\r\n"), any_bytes=True)
"""The server's disk decides; these are the usual ones. A line break would end the command."""

DIGESTS: Final[frozenset[Algorithm]] = frozenset({"sha256", "sha512", "sha1", "md5"})
"""Where the server has HASH, XSHA256, XMD5 or their like; asked for by `digest_of`."""

ACCOUNT: Final = (
    Option("host", "Server", "The server's name or address.", required=True),
    Option("port", "Port", "The port, if it is not the usual one.", kind="number"),
    Option("user", "User", "The account's name.", default="anonymous"),
    Option("password", "Password", "The account's password.", kind="secret"),
    Option("folder", "Folder", "The folder that is the root here: absolute, or below the one the server puts you in."),
)

ADVANCED: Final = (
    Option(
        "connections",
        "Connections",
        "How many connections to have at most. Servers often allow few per user.",
        kind="number",
        default=8,
        advanced=True,
    ),
    Option("encoding", "Encoding of names", "For old servers: cp1252, shift_jis, ...", default="utf-8", advanced=True),
    Option(
        "exact_times",
        "Exact times",
        "Where listings have no exact times (vsftpd), ask for each file's. Off is quicker and knows minutes or days only.",
        kind="switch",
        default=True,
        advanced=True,
    ),
)

CA_FILE: Final = Option(
    "ca_file", "Certificate authorities", "A PEM file of authorities trusted beside the system's.", advanced=True
)

RCLONE: Final = {"host": "host", "port": "port", "user": "user", "pass": "password", "concurrency": "connections"}
"""rclone's keys for its `ftp` backend and ours."""
